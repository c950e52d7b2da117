"""The frames: what is written, and that nothing a server sends can break the reader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telltale_client import frames
from telltale_client.closing import Next, judge
from telltale_client.errors import FrameInvalid

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
names = st.sampled_from(
    ["stored", "logged", "seq", "expected", "retry_after_ms", "limits", "config", "id", "name",
     "args", "deadline", "version", "value", "code", "reason", "reconnect", "ping_interval_s"]
)  # fmt: skip
kinds = st.sampled_from(
    ["welcome", "ack", "reject", "nack", "slow", "command", "config", "bye", "pong", "news"]
)


def decode(**frame: Any) -> frames.ServerFrame | None:
    return frames.decode(json.dumps(frame))


@given(kinds, st.dictionaries(names, scalars | st.dictionaries(names, scalars), max_size=8))
def test_any_object_is_a_frame_or_an_error(kind: str, fields: dict[str, Any]) -> None:
    try:
        frame = decode(type=kind, **fields)
    except FrameInvalid:
        return
    assert (frame is None) == (kind in ("pong", "news"))


@given(st.binary() | st.text())
def test_any_bytes_are_a_frame_or_an_error(message: str | bytes) -> None:
    try:
        assert frames.decode(message) is None
    except FrameInvalid:
        return


def test_a_welcome_may_leave_things_out() -> None:
    welcome = decode(type="welcome", stored=5)
    assert welcome == frames.Welcome("", 5, 5, 20.0, frames.Limits(), None)
    full = decode(
        type="welcome", connection="c", stored=5, logged=9, ping_interval_s=1,
        limits={"events_per_frame": 10, "new_limit": 1}, config={"version": 2, "value": [1]},
    )  # fmt: skip
    assert full == frames.Welcome("c", 5, 9, 1.0, frames.Limits(10), frames.Config(2, [1]))


def test_the_other_frames() -> None:
    assert decode(type="ack", logged=3, stored=2) == frames.Ack(3, 2)
    assert decode(type="ack", logged=1, stored=2) == frames.Ack(2, 2)
    assert decode(type="nack", expected=4) == frames.Nack(4)
    assert decode(type="slow", retry_after_ms=250, reason="rate") == frames.Slow(0.25, "rate", None)
    assert decode(type="reject", seq=1, id="e", code="c", detail="d") == frames.Reject(
        1, "e", "c", "d"
    )
    assert decode(type="command", id="1", name="pause") == frames.Command("1", "pause", {}, None)
    assert decode(type="bye", code=4001, reason="r", reconnect=True, retry_after_ms=5) == (
        frames.Bye(4001, "r", True, 0.005)
    )


def test_what_is_written_is_json() -> None:
    assert json.loads(frames.events(7, [b'{"id":"a"}', b'{"id":"b"}'])) == {
        "type": "events",
        "seq": 7,
        "items": [{"id": "a"}, {"id": "b"}],
    }
    assert len(frames.events(2**53, [])) < frames.EVENTS_OVERHEAD
    assert json.loads(frames.hello("a", "worker", 1, "Ann", {"v": 1})) == {
        "type": "hello", "agent_id": "a", "role": "worker", "incarnation": 1,
        "name": "Ann", "meta": {"v": 1},
    }  # fmt: skip
    assert json.loads(frames.command_ack("1", "failed", "no \ud800"))["detail"].startswith("no ")


@pytest.mark.parametrize("code", [4001, 4003, 4008, 4009, 4010, 4012, 1000, 1001, 1006, 1011, 4999])
def test_these_may_come_back(code: int) -> None:
    assert judge(code, "").next is Next.RECONNECT
    assert judge(code, "", reconnect=False).next is Next.FAIL


@pytest.mark.parametrize("code", [4500, 4501, 4503, 4504, 4599])
def test_these_must_not(code: int) -> None:
    assert judge(code, "").next is Next.FAIL
    assert judge(code, "", reconnect=True).next is Next.FAIL
