"""``GET /v1/stream``: the live stream as server-sent events, taken up by ``Last-Event-ID``."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from launcher.stack import Stack
from tests.integration.conftest import web_beside
from tests.integration.event_source import stream
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def test_it_brings_what_comes_in_from_now_on(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(5))
    with stream(tenant) as source:
        tenant.sender.send(*numbered(20, first=6))
        shown = source.events(20)
    assert numbers(shown) == list(range(6, 26))
    assert shown[0] == tenant.reader.get(f"/v1/events/{shown[0]['id']}").ok()


def test_a_reader_that_takes_nothing_is_cut_off(tenant: Tenant, impatient_url: str) -> None:
    """The impatient process waits a second and a half; what is on the way fills all buffers."""
    parts = urlsplit(impatient_url)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        sock.settimeout(20)
        sock.connect((parts.hostname, parts.port))
        credential = f"Authorization: Bearer {tenant.viewer}"
        sock.sendall(f"GET /v1/stream HTTP/1.1\r\nHost: t\r\n{credential}\r\n\r\n".encode())
        assert sock.recv(12) == b"HTTP/1.1 200"
        for first in range(1, 321, 80):
            tenant.sender.send(*numbered(80, f"agent-{first}", first=first, padding=60_000))
        time.sleep(4)
        received = 0
        with suppress(ConnectionError):
            while part := sock.recv(65_536):
                received += len(part)
    assert received < 320 * 60_000


def test_it_goes_on_behind_the_last_id_wherever_it_broke_off(
    tenant: Tenant, second_url: str
) -> None:
    with stream(tenant) as source:
        tenant.sender.send(*numbered(100))
        first = numbers(source.events(37))
        last_id = source.last_id
    tenant.sender.send(*numbered(20, first=101))
    with stream(tenant, last_id, url=second_url) as source:
        tenant.sender.send(*numbered(5, first=121))
        rest = numbers(source.events(125 - len(first)))
    assert first + rest == list(range(1, 126))


def test_ids_are_cursors(tenant: Tenant) -> None:
    with stream(tenant) as source:
        tenant.sender.send(*numbered(3))
        source.events(2)
        cursor = source.last_id
    assert numbers(tenant.reader.events(after=cursor)) == [3]


def test_data_on_several_lines_is_one_event(tenant: Tenant) -> None:
    body = b'{"type":"a","agent_id":"w",\n"data":{\n"a":\r\n 1,\r"b": [\n]}}'
    with stream(tenant) as source:
        tenant.sender.post("/v1/events", body, kind="application/json").ok(202)
        tenant.sender.send(event("w", data={"n": 2}))
        first, second = source.events(2)
    assert first["data"] == {"a": 1, "b": []}
    assert second["data"] == {"n": 2}


def test_filters_hold(tenant: Tenant) -> None:
    with stream(tenant, agent_id="wanted", type="task.*") as source:
        tenant.sender.send(
            event("wanted", type="tool.called", data={"n": 1}),
            event("other", type="task.started", data={"n": 2}),
            event("wanted", type="task.started", data={"n": 3}),
        )
        assert numbers(source.events(1)) == [3]


def test_another_projects_events_are_invisible(tenant: Tenant, neighbour: Tenant) -> None:
    with stream(tenant) as source:
        neighbour.sender.send(*numbered(5, "theirs"))
        tenant.sender.send(event("ours"))
        assert [item["agent_id"] for item in source.events(1)] == ["ours"]


@pytest.mark.parametrize(("last_id", "status"), [("nonsense", 400), ("x" * 5000, 400)])
def test_ids_that_are_none(tenant: Tenant, last_id: str, status: int) -> None:
    answer = tenant.reader.get("/v1/stream", {"Last-Event-ID": last_id})
    answer.problem(status, "bad_request")


def test_queries_that_are_none(tenant: Tenant) -> None:
    tenant.reader.get("/v1/stream", severity="fatal").problem(422, "unprocessable")
    tenant.reader.get("/v1/stream", limit="5").problem(422, "unprocessable")


def test_a_server_that_stops_lets_its_streams_go(stack: Stack, tenant: Tenant) -> None:
    with web_beside(stack, "web-stopping") as url:
        with stream(tenant, url=url) as source:
            tenant.sender.send(event())
            source.events(1)
            stopping = threading.Thread(target=stack.supervisor.stop, args=("web-stopping",))
            stopping.start()
            started = time.monotonic()
            assert source.response.read() == b""
            assert time.monotonic() - started < 10
        stopping.join()
