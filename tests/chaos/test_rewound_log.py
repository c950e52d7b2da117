"""Valkey comes back without its last second, at the worst moments: nothing false may be said."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from launcher.stack import Stack
from tests.chaos.breaking import (
    drain_again,
    event,
    kill,
    log_file,
    rewind,
    stop_draining,
    wait_for_queue,
    wait_for_stored,
)
from tests.chaos.wire import Lost, Socket
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos

STORED_S = 20.0
GAP = 4010


def test_a_lost_event_is_not_called_stored_when_another_has_its_number(
    fragile: Stack, rest: Rest
) -> None:
    rest.send(event("first", 0))
    wait_for_queue(rest)
    stop_draining(fragile)
    before = log_file(fragile).stat().st_size
    lost, kept = event("first", 1), event("second", 1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rest.post, "/v1/events", lost, {"Prefer": "wait=10"})
        wait_for_queue(rest, 1)
        rewind(fragile, before)
        rest.post("/v1/events", kept).ok(202)
        drain_again(fragile)
        told = waiting.result().json
    stored = {item["id"] for item in rest.events(agent_id="first")}
    assert told.get("stored", False) is (lost["id"] in stored)
    rest.send(lost)
    assert rest.events(agent_id="first")[0]["id"] == lost["id"]


def events_frame(seq: int, items: list[dict[str, Any]]) -> bytes:
    return json.dumps({"type": "events", "seq": seq, "items": items}).encode()


def test_an_idle_agent_is_asked_again_for_what_the_log_has_lost(fragile: Stack, rest: Rest) -> None:
    items = [event("idle", number) for number in range(1, 4)]
    wait_for_queue(rest)
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        socket.hello("idle", incarnation=1)
        stop_draining(fragile)
        before = log_file(fragile).stat().st_size
        socket.send(events_frame(1, items))
        wait_for_queue(rest, 3)
        rewind(fragile, before)
        drain_again(fragile)
        deadline = time.monotonic() + STORED_S
        while (answer := socket.receive(0.5)) is None or answer["type"] != "nack":
            assert time.monotonic() < deadline, "nobody asks for the lost events"
        assert answer["expected"] == 1
        socket.send(events_frame(1, items))
        wait_for_stored(socket, 3)
    stored = rest.events(agent_id="idle", order="asc")
    assert [item["id"] for item in stored] == [item["id"] for item in items]


def test_nobody_is_asked_for_what_may_be_stored(fragile: Stack, rest: Rest) -> None:
    """The log is empty and PostgreSQL down: an agent comes back with its sixth event."""
    items = [event("forgetful", number) for number in range(1, 7)]
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        socket.hello("forgetful", incarnation=1)
        socket.send(events_frame(1, items[:5]))
        wait_for_stored(socket, 5)
    wait_for_queue(rest)
    kill(fragile, "postgres")
    rewind(fragile, 0)
    try:
        with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
            assert socket.hello("forgetful", incarnation=1)["stored"] == 0
            socket.send(events_frame(6, items[5:]))
            with pytest.raises(Lost, match="store_out_of_reach") as lost:
                pytest.fail(f"{socket.receive(5)} came")
            assert lost.value.code == GAP
    finally:
        fragile.start("postgres")
    fragile.wait_ready()
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        assert socket.hello("forgetful", incarnation=1)["stored"] == 5
        socket.send(events_frame(6, items[5:]))
        wait_for_stored(socket, 6)
    stored = rest.events(agent_id="forgetful", order="asc")
    assert [item["id"] for item in stored] == [item["id"] for item in items]
