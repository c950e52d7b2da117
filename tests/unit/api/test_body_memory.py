"""What bodies hold together is bounded: as they come, and what they become when unpacked."""

from __future__ import annotations

import gzip
from contextlib import ExitStack

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from app.api.body import (
    MAX_BODY_BYTES,
    MAX_LARGE_BYTES,
    MAX_SMALL_BYTES,
    SMALL_BYTES,
    Memory,
    Room,
    TooManyBodies,
)

PACKED = gzip.compress(b" " * MAX_BODY_BYTES)
FIT = MAX_LARGE_BYTES // (MAX_BODY_BYTES - SMALL_BYTES)


def upload(body: bytes, encoding: str = "identity") -> Request:
    builder = EnvironBuilder(method="POST", data=body, headers={"Content-Encoding": encoding})
    return Request(builder.get_environ())


def enter(stack: ExitStack, memory: Memory) -> Room:
    return stack.enter_context(memory.room())


@pytest.mark.parametrize(("body", "encoding"), [(PACKED, "gzip"), (b" " * MAX_BODY_BYTES, "")])
def test_large_bodies_have_a_bound_together_also_when_they_came_small(
    body: bytes, encoding: str
) -> None:
    memory = Memory(timeout_s=5)
    with ExitStack() as stack:
        for _ in range(FIT):
            room = enter(stack, memory)
            assert len(room.body(upload(body, encoding or "identity"))) == MAX_BODY_BYTES
            assert room.held == MAX_BODY_BYTES
        with pytest.raises(TooManyBodies), memory.room() as room:
            room.body(upload(body, encoding or "identity"))
        # Whoever sends little is let through.
        assert enter(stack, memory).body(upload(gzip.compress(b"{}"), "gzip")) == b"{}"
    with memory.room() as room:
        room.body(upload(body, encoding or "identity"))


def test_small_bodies_have_a_bound_of_their_own() -> None:
    memory = Memory(timeout_s=5)
    with ExitStack() as stack:
        for _ in range(MAX_SMALL_BYTES // SMALL_BYTES):
            enter(stack, memory).hold(SMALL_BYTES)
        last = enter(stack, memory)
        with pytest.raises(TooManyBodies):
            last.hold(1)
        assert last.held == 0
    with memory.room() as room:
        room.hold(SMALL_BYTES)
