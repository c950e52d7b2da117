"""A dashboard comes to a web process that has not heard yet what the dashboard has seen."""

from __future__ import annotations

import json

import pytest

from launcher.stack import Stack
from tests.chaos.breaking import event, kill
from tests.chaos.wire import Frame, Lost, Socket
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos

LAG_S = 5.0
"""How long a process waits for what it lacks."""

COME_BACK = 4010


def test_its_cursor_stays_good(fragile: Stack, rest: Rest) -> None:
    rest.send(event("early", 1))
    # A credential that the process knows, and so takes while PostgreSQL stands still.
    token = rest.post("/v1/auth/token").ok()["token"]
    Rest(fragile.urls[1], token).get("/v1/auth/me").ok()
    fragile.pause("web-2")
    try:
        # While it stands still, the other process's dashboards are shown an event that it misses:
        # its connection to Valkey is gone.
        kill(fragile, "valkey")
        fragile.start("valkey")
        rest.send(event("late", 1))
        with Socket(fragile.urls[0], "/ws/dashboard", token) as dashboard:
            cursor = _subscribe(dashboard)["cursor"]
        fragile.pause("postgres")
    finally:
        fragile.resume("web-2")
    try:
        with Socket(fragile.urls[1], "/ws/dashboard", token) as dashboard:
            _send_subscribe(dashboard, cursor)
            assert _answer(dashboard, LAG_S + 1) is None
            fragile.resume("postgres")
            with pytest.raises(Lost) as lost:
                pytest.fail(f"{_answer(dashboard, 10)} came")
            assert lost.value.code == COME_BACK
    finally:
        fragile.resume("postgres")
    with Socket(fragile.urls[1], "/ws/dashboard", token) as dashboard:
        assert _subscribe(dashboard, cursor)["recovered"] is True


def _subscribe(dashboard: Socket, cursor: str | None = None) -> Frame:
    """The first answer: a snapshot, or what the cursor was worth."""
    _send_subscribe(dashboard, cursor)
    answer = _answer(dashboard, 10)
    assert answer is not None
    return answer


def _send_subscribe(dashboard: Socket, cursor: str | None) -> None:
    subscribe = {"type": "subscribe", "id": "live", **({"cursor": cursor} if cursor else {})}
    dashboard.send(json.dumps(subscribe).encode())


def _answer(dashboard: Socket, timeout_s: float) -> Frame | None:
    while (frame := dashboard.receive(timeout_s)) is not None:
        if frame["type"] not in {"welcome", "heads"}:
            return frame
    return None
