"""An agent's older incarnation comes back, and the log has forgotten that there was a newer one."""

from __future__ import annotations

import json

import pytest

from launcher.stack import Stack
from tests.chaos.breaking import event, kill, rewind, wait_for_queue, wait_for_stored
from tests.chaos.wire import Lost, Socket
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos

SUPERSEDED = 4503


def store_one(socket: Socket, agent_id: str, number: int) -> None:
    frame = {"type": "events", "seq": 1, "items": [event(agent_id, number)]}
    socket.send(json.dumps(frame).encode())
    wait_for_stored(socket, 1)


def test_it_is_refused_by_what_is_stored(fragile: Stack, rest: Rest) -> None:
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        socket.hello("reborn", incarnation=7)
        store_one(socket, "reborn", 1)
    wait_for_queue(rest)
    rewind(fragile, 0)
    fragile.wait_ready()
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        with pytest.raises(Lost, match="superseded") as lost:
            socket.hello("reborn", incarnation=6)
        assert lost.value.code == SUPERSEDED
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        assert socket.hello("reborn", incarnation=7)["stored"] == 1
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        assert socket.hello("reborn", incarnation=8)["stored"] == 0
        store_one(socket, "reborn", 2)


def test_it_is_sent_away_once_postgresql_can_be_asked(fragile: Stack, rest: Rest) -> None:
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        socket.hello("undead", incarnation=7)
        store_one(socket, "undead", 1)
    wait_for_queue(rest)
    kill(fragile, "postgres")
    rewind(fragile, 0)
    with Socket(fragile.url, "/ws/agent", fragile.admin_key) as socket:
        try:
            socket.hello("undead", incarnation=6)
        finally:
            fragile.start("postgres")
        with pytest.raises(Lost, match="superseded") as lost:
            _read_to_the_end(socket)
        assert lost.value.code == SUPERSEDED
    fragile.wait_ready()


def _read_to_the_end(socket: Socket) -> None:
    while socket.receive(20) is not None:
        pass
