"""``POST /v1/events``: requests that are refused as a whole, each with its problem."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.domain.access import Role
from tests.integration.rest import Rest, read_answer
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

JSON = "application/json"
NDJSON = "application/x-ndjson"
MAX_BODY_BYTES = 5 * 1024 * 1024
GZIPPED = gzip.compress(b"[]")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"42",
        b'"text"',
        b"null",
        b"{",
        b'{"type":',
        b'{"type":"test.happened"} trailing',
        b"[",
        b'[{"type":"test.happened"}',
        b"[1],[2]",
        b"\xff\xfe",
        b'[{"type":"test.happened","agent_id":"\xc3("}]',
        b"\xef\xbb\xbf[]",
        b"hello",
    ],
)
def test_what_is_no_json_is_400(tenant: Tenant, body: bytes) -> None:
    tenant.sender.post("/v1/events", body, kind=JSON).problem(400, "bad_request")


@pytest.mark.parametrize(
    ("body", "kind"), [(b"[]", JSON), (b"[ ]", JSON), (b"", NDJSON), (b" \n\n", NDJSON)]
)
def test_nothing_in_it_is_422(tenant: Tenant, body: bytes, kind: str) -> None:
    tenant.sender.post("/v1/events", body, kind=kind).problem(422, "unprocessable")


def test_nothing_acceptable_in_it_is_422_and_says_why(tenant: Tenant) -> None:
    bad = [{"type": "Not A Type", "agent_id": "a"}, 7, {"agent_id": "a"}]
    errors = tenant.sender.post("/v1/events", bad).problem(422, "unprocessable")["errors"]
    assert [error["pointer"] for error in errors] == ["/0/type", "/1", "/2/type"]
    assert all(error["detail"] for error in errors)


@pytest.mark.parametrize(
    ("as_body", "pointer"),
    [(lambda item: item, "/severity"), (lambda item: [item], "/0/severity")],
    ids=["one event", "a batch of one"],
)
def test_the_field_and_the_id_are_named(
    tenant: Tenant, as_body: Callable[[Any], Any], pointer: str
) -> None:
    bad = event(id="mine", severity="fatal")
    problem = tenant.sender.post("/v1/events", as_body(bad)).problem(422, "unprocessable")
    [error] = problem["errors"]
    assert (error["pointer"], error["id"]) == (pointer, "mine")


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"],
)
def test_another_content_type_is_415(tenant: Tenant, kind: str) -> None:
    body = json.dumps(event()).encode()
    tenant.sender.post("/v1/events", body, kind=kind).problem(415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_another_content_encoding_is_415(tenant: Tenant, encoding: str) -> None:
    answer = tenant.sender.post("/v1/events", event(), {"Content-Encoding": encoding})
    answer.problem(415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", GZIPPED[:-4], GZIPPED + b"rest", b"\x1f\x8b"],
    ids=["empty", "text", "cut short", "followed", "two bytes"],
)
def test_what_is_no_gzip_is_400(tenant: Tenant, body: bytes) -> None:
    answer = tenant.sender.post("/v1/events", body, {"Content-Encoding": "gzip"}, kind=JSON)
    answer.problem(400, "bad_request")


def test_a_thousand_events_are_taken_and_one_more_is_not(tenant: Tenant) -> None:
    batch = numbered(1001)
    answer = tenant.sender.post("/v1/events", batch)
    answer.problem(422, "too_many_events")
    assert tenant.sender.post("/v1/events", batch[:1000]).ok(202)["accepted"] == 1000


def _padded(size: int) -> bytes:
    body = json.dumps(numbered(900, padding=5000)).encode()
    return body + b" " * (size - len(body))


def test_five_mebibytes_are_taken_and_one_byte_more_is_not(tenant: Tenant) -> None:
    answer = tenant.sender.post("/v1/events", _padded(MAX_BODY_BYTES), kind=JSON)
    assert answer.ok(202)["accepted"] == 900
    answer = tenant.sender.post("/v1/events", _padded(MAX_BODY_BYTES + 1), kind=JSON)
    answer.problem(413, "payload_too_large")


def test_the_limit_holds_for_chunks_and_after_gunzip(tenant: Tenant) -> None:
    body = _padded(MAX_BODY_BYTES + 1)
    chunks = iter([body[at : at + 500_000] for at in range(0, len(body), 500_000)])
    tenant.sender.post("/v1/events", chunks, kind=JSON).problem(413, "payload_too_large")
    answer = tenant.sender.post(
        "/v1/events", gzip.compress(body), {"Content-Encoding": "gzip"}, kind=JSON
    )
    answer.problem(413, "payload_too_large")


def test_without_a_credential_it_is_401(tenant: Tenant) -> None:
    answer = Rest(tenant.url).post("/v1/events", event())
    answer.problem(401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        "Bearer tt_000000000000_" + "x" * 43,
        "Bearer tt_nothing",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer " + "x" * 5000,
    ],
)
def test_with_a_wrong_credential_it_is_401(tenant: Tenant, authorization: str) -> None:
    answer = Rest(tenant.url).post("/v1/events", event(), {"Authorization": authorization})
    answer.problem(401, "unauthenticated")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_roles_that_only_read_are_403(tenant: Tenant, role: Role) -> None:
    answer = Rest(tenant.url, tenant.keys[role]).post("/v1/events", event())
    answer.problem(403, "forbidden")


@pytest.mark.parametrize("role", [Role.AGENT, Role.MANAGER, Role.ADMIN])
def test_roles_that_send(tenant: Tenant, role: Role) -> None:
    Rest(tenant.url, tenant.keys[role]).post("/v1/events", event()).ok(202)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_another_method_is_405(tenant: Tenant, method: str) -> None:
    answer = tenant.sender.request(method, "/v1/events", b"{}")
    answer.problem(405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v1/tasks/t", "GET, HEAD, OPTIONS, PATCH"),
        ("/v1/tasks/t/cancel", "OPTIONS, POST"),
        ("/v1/tasks/t/tree", "GET, HEAD, OPTIONS"),
    ],
)
def test_allow_names_what_is_at_the_path_itself(tenant: Tenant, path: str, allow: str) -> None:
    assert tenant.reader.request("OPTIONS", path).headers["allow"] == allow
    answer = tenant.reader.request("DELETE", path)
    answer.problem(405, "method_not_allowed")
    assert answer.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/events", "/ws", "/v1"])
def test_another_path_is_404(tenant: Tenant, path: str) -> None:
    tenant.sender.get(path).problem(404, "not_found")
    tenant.sender.post(path, {}).problem(404, "not_found")


@pytest.mark.parametrize("body", [[], {}, b"[" * 1000, b"{" * 1000])
def test_a_refused_request_leaves_its_connection_usable(tenant: Tenant, body: Any) -> None:
    """Whatever was left unread of a body must not be taken for the next request."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(tenant.url).netloc, timeout=20)
    good = {"Authorization": f"Bearer {tenant.agent}", "Content-Type": JSON}
    try:
        for headers, status in (({}, 401), ({**good, "Content-Type": "text/csv"}, 415)):
            connection.request("POST", "/v1/events", raw, headers)
            assert read_answer(connection).status == status
        connection.request("POST", "/v1/events", json.dumps(event()).encode(), good)
        assert read_answer(connection).ok(202)["accepted"] == 1
    finally:
        connection.close()
