"""What is no HTTP, or too much of it, is refused before the app sees it: as a problem too."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

import pytest

from tests.integration.rest import Answer
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def answer_to(tenant: Tenant, request: bytes) -> Answer:
    address = urlsplit(tenant.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
        sock.sendall(request)
        response = http.client.HTTPResponse(sock)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, [], response.read())


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /v1/events?after=%s HTTP/1.1\r\n\r\n" % (b"x" * 8200), 414, "uri_too_long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"x" * 8200), 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n%s\r\n" % (b"A: b\r\n" * 101), 431, "headers_too_large"),
        (b"nonsense\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "bad_request"),
    ],
    ids=["a long line", "a long header", "many headers", "no request", "no header"],
)
def test_it_is_a_problem(tenant: Tenant, request_: bytes, status: int, code: str) -> None:
    answer = answer_to(tenant, request_)
    answer.problem(status, code)
    assert answer.headers["connection"] == "close"
