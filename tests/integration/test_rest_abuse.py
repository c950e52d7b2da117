"""Bodies that are made to hurt: the answer comes, memory stays, neighbours notice nothing."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from tests.integration.rest import Rest
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

JSON = "application/json"
NDJSON = "application/x-ndjson"
MAX_BODY_BYTES = 5 * 1024 * 1024
ALLOWED_GROWTH = 96 * 1024 * 1024
"""A few bodies of 5 MiB and what becomes of them; an unbounded one takes several hundred MB."""

HOSTILE = {
    "numbers": (b"[" + b"1," * 2_600_000 + b"1]", JSON, 422, "too_many_events"),
    "empty arrays": (b"[" + b"[]," * 1_700_000 + b"[]]", JSON, 422, "too_many_events"),
    "numbers, and one that is none": (
        b"[" + b"1," * 2_600_000 + rb'"\ud800"]',
        JSON,
        422,
        "too_many_events",
    ),
    "open brackets": (b"[" * MAX_BODY_BYTES, JSON, 400, "bad_request"),
    "nested brackets": (
        b"[" * (MAX_BODY_BYTES // 2) + b"]" * (MAX_BODY_BYTES // 2),
        JSON,
        422,
        "unprocessable",
    ),
    "lines": (b"1\n" * 2_600_000, NDJSON, 422, "too_many_events"),
    "blank lines": (b"\n" * MAX_BODY_BYTES, NDJSON, 422, "unprocessable"),
    "spaces": (b" " * MAX_BODY_BYTES, NDJSON, 422, "unprocessable"),
    "quotes": (b'["' + b'\\"' * 2_600_000, JSON, 400, "bad_request"),
    "escapes": (b'{"type":"' + rb"\u0041" * 870_000, JSON, 422, "unprocessable"),
    "a long line": (b"x" * MAX_BODY_BYTES, NDJSON, 422, "unprocessable"),
}


class Neighbour(threading.Thread):
    """Sends an event again and again, and remembers the longest wait for an answer."""

    def __init__(self, tenant: Tenant) -> None:
        super().__init__()
        self._tenant = tenant
        self._over = threading.Event()
        self.slowest_s = 0.0
        self.answers: list[int] = []

    def run(self) -> None:
        while not self._over.is_set():
            started = time.monotonic()
            self.answers.append(self._tenant.sender.post("/v1/events", event()).status)
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)

    def __enter__(self) -> Neighbour:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_without_holding_others_up(
    tenant: Tenant, neighbour: Tenant, resident_bytes: Callable[[], int], name: str
) -> None:
    body, kind, status, code = HOSTILE[name]
    before = resident_bytes()
    packed = gzip.compress(body, 1)
    with Neighbour(neighbour) as other:
        answer = tenant.sender.post("/v1/events", packed, {"Content-Encoding": "gzip"}, kind=kind)
        answer.problem(status, code)
    assert set(other.answers) == {202}
    # Walking over 5 MiB of brackets takes seconds; nobody else may wait for it.
    assert other.slowest_s < 1.5
    assert resident_bytes() - before < ALLOWED_GROWTH


def test_gzip_bombs_do_not_go_off(tenant: Tenant, resident_bytes: Callable[[], int]) -> None:
    zeros = gzip.compress(b"0" * 300_000_000, 1)
    bombs = [
        (zeros, 413),
        (gzip.compress(zeros), 400),
        (gzip.compress(b"") * 200_000, 400),
        (gzip.compress(b"0" * MAX_BODY_BYTES) + zeros, 413),
    ]
    before = resident_bytes()
    for bomb, status in bombs * 3:
        answer = tenant.sender.post("/v1/events", bomb, {"Content-Encoding": "gzip"}, kind=JSON)
        assert answer.status == status, answer.body
    assert resident_bytes() - before < ALLOWED_GROWTH


def test_a_large_batch_of_many_small_values_is_taken(tenant: Tenant) -> None:
    """What is large and crowded but right must not be taken for an attack."""
    batch = [event(data={"values": list(range(600))}) for _ in range(1000)]
    assert tenant.sender.post("/v1/events", batch).ok(202)["accepted"] == 1000


@pytest.mark.parametrize("path", ["/v1/auth/login", "/v1/auth/token", "/v1/auth/logout"])
def test_only_events_may_be_large(tenant: Tenant, path: str) -> None:
    nobody = Rest(tenant.url)
    nobody.post(path, b"x" * 100_000, kind=JSON).problem(413, "payload_too_large")
    chunks = iter([b"x" * 50_000] * 2)
    nobody.post(path, chunks, kind=JSON).problem(413, "payload_too_large")


def _dribble(url: str, head: str, part: bytes, over: threading.Event) -> bytes:
    """Send a request's beginning, and the rest in parts with pauses; returns the answer."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as sock:
        sock.sendall(head.encode())
        sock.settimeout(0.2)
        received = b""
        while not over.is_set():
            try:
                sock.sendall(part)
                got = sock.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
            received += got
            if not got or b"\r\n\r\n" in received:
                break
        return received


@pytest.mark.parametrize("path", ["/v1/events", "/v1/auth/token"])
@pytest.mark.parametrize(
    ("framing", "part"),
    [("Content-Length: 60000", b" "), ("Transfer-Encoding: chunked", b"1\r\n \r\n")],
)
def test_a_body_that_dribbles_is_given_up(
    tenant: Tenant, impatient_url: str, path: str, framing: str, part: bytes
) -> None:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {tenant.agent}\r\n"
        f"Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
    started = time.monotonic()
    answer = _dribble(impatient_url, head, part, threading.Event())
    assert answer.startswith(b"HTTP/1.1 408 "), answer
    assert b'"request_timeout"' in answer or b"problem+json" in answer
    assert time.monotonic() - started < 10


def test_headers_that_dribble_are_given_up(tenant: Tenant) -> None:
    heads = ("", "POST /v1/ev", "GET /healthz HTTP/1.1\r\nHost: t\r\n")
    over = threading.Event()
    ends: list[float] = []
    started = time.monotonic()

    def run(head: str) -> None:
        _dribble(tenant.url, head, b"X-A: b\r\n" if head.endswith("\n") else b"", over)
        ends.append(time.monotonic() - started)

    threads = [threading.Thread(target=run, args=(head,)) for head in heads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=40)
    over.set()
    assert len(ends) == len(heads)
    assert max(ends) < 30


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Length: 100\r\n\r\n[",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n[",
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n[]\r\n0\r\n\r\n",
    ],
)
def test_a_body_that_breaks_off_is_400(tenant: Tenant, raw: bytes) -> None:
    parts = urlsplit(tenant.url)
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {tenant.agent}\r\n"
        "Content-Type: application/json\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as sock:
        sock.sendall(head.encode() + raw)
        sock.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sock.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert tenant.reader.events() == []


@pytest.fixture
def stalled_uploads(tenant: Tenant) -> Iterator[list[socket.socket]]:
    """Uploads of nearly 5 MiB each that come to a stop just before their end."""
    parts = urlsplit(tenant.url)
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {tenant.agent}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {MAX_BODY_BYTES}\r\n\r\n"
    ).encode()
    with ExitStack() as stack:
        socks = []
        for _ in range(32):
            sock = stack.enter_context(
                socket.create_connection((parts.hostname, parts.port), timeout=20)
            )
            sock.sendall(head + b" " * (MAX_BODY_BYTES - 10))
            socks.append(sock)
        yield socks


def test_uploads_have_a_bound_together(
    stalled_uploads: list[socket.socket], neighbour: Tenant
) -> None:
    small = numbered(10)
    assert neighbour.sender.post("/v1/events", small).ok(202)["accepted"] == 10
    large = json.dumps(numbered(100)).encode().ljust(MAX_BODY_BYTES)
    answer = neighbour.sender.post("/v1/events", large, kind=JSON)
    answer.problem(503, "too_many_uploads")
    assert answer.headers["retry-after"] == "1"
    for sock in stalled_uploads:
        sock.close()
    deadline = time.monotonic() + 20
    while neighbour.sender.post("/v1/events", large, kind=JSON).status != 202:
        assert time.monotonic() < deadline
