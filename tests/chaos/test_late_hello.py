"""Hellos that wait for a stalled PostgreSQL, while their agent has long come back."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from launcher.stack import Stack
from tests.chaos.breaking import event, wait_for_stored
from tests.chaos.wire import Lost, Socket
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos

ATTEMPTS = 6
HELLO = {"type": "hello", "agent_id": "patient", "role": "worker", "incarnation": 1}


def test_the_last_connection_of_an_agent_stays(fragile: Stack, rest: Rest) -> None:
    # The key is known now, and not asked for again in the next seconds.
    rest.get("/v1/auth/me").ok()
    with ExitStack() as open_sockets:
        fragile.pause("postgres")
        try:
            sockets = []
            for _ in range(ATTEMPTS):
                socket = Socket(fragile.url, "/ws/agent", fragile.admin_key)
                sockets.append(open_sockets.enter_context(socket))
                socket.send(json.dumps(HELLO).encode())
        finally:
            fragile.resume("postgres")
        last = sockets.pop()
        assert (last.receive(10) or {})["type"] == "welcome"
        for socket in sockets:
            with pytest.raises(Lost, match="superseded"):
                _read_to_the_end(socket)
        item = event("patient", 1)
        last.send(json.dumps({"type": "events", "seq": 1, "items": [item]}).encode())
        wait_for_stored(last, 1)


def _read_to_the_end(socket: Socket) -> None:
    while socket.receive(5) is not None:
        pass
