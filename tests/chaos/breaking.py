"""Breaking one thing at an exact moment, for the tests that need no chance."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from app.core.identifiers import uuid7
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos.wire import Socket
from tests.integration.rest import Rest

DRAIN_S = 20.0
STORED_S = 20.0


def event(agent_id: str, number: int, kind: str = "step") -> dict[str, Any]:
    """An event as an agent sends it."""
    return {"id": str(uuid7()), "type": kind, "agent_id": agent_id, "data": {"n": number}}


def kill(stack: Stack, *names: str) -> None:
    """SIGKILL these parts; they stay dead until they are started."""
    for name in names:
        stack.kill(name)
        stack.stop(name)


def stop_draining(stack: Stack) -> None:
    """What comes in stays in the log."""
    kill(stack, "worker", "clock")


def drain_again(stack: Stack) -> None:
    """What is in the log is stored."""
    for name in ("worker", "clock"):
        stack.start(name)


def log_file(stack: Stack) -> Path:
    """Valkey's append-only file."""
    return next((stack.valkey.data / "appendonlydir").glob("*.incr.aof"))


def rewind(stack: Stack, size: int) -> None:
    """Kill Valkey and let it come back with only the first ``size`` bytes of its file."""
    kill(stack, "valkey")
    with log_file(stack).open("r+b") as file:
        file.truncate(size)
    stack.start("valkey")


def wait_for_queue(rest: Rest, queued: int = 0) -> dict[str, Any]:
    """The books, once so many events are queued."""
    books: dict[str, Any] = {}

    def reached() -> bool:
        books.update(rest.get("/v1/ledger").ok())
        return bool(books["queued"] == queued)

    wait_until(reached, timeout_s=DRAIN_S, what=lambda: f"{queued} are not queued: {books}")
    return books


def wait_for_stored(socket: Socket, seq: int) -> None:
    """Read acks until the agent knows that everything up to ``seq`` is stored."""
    deadline = time.monotonic() + STORED_S
    while time.monotonic() < deadline:
        frame = socket.receive(0.5)
        if frame is not None and frame["type"] == "ack" and frame["stored"] >= seq:
            return
    raise AssertionError(f"{seq} was not stored in time")
