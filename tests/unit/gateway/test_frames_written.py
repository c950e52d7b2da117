"""The frames that the server writes, as the other side reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.gateway import frames
from tests.unit.gateway.peer import Received, received

FINAL_TEXT, FINAL_CLOSE, FINAL_PONG = 0x81, 0x88, 0x8A


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])
def test_text_of_any_length_is_one_unmasked_frame(size: int) -> None:
    payload = b"x" * size
    assert received(frames.text(payload)) == [Received(FINAL_TEXT, payload)]


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_frames_stand_one_behind_the_other(payloads: list[bytes]) -> None:
    wire = b"".join(map(frames.text, payloads))
    assert [frame.payload for frame in received(wire)] == payloads


@given(st.binary(max_size=125))
def test_a_ping_is_answered_with_what_it_said(payload: bytes) -> None:
    assert received(frames.pong(payload)) == [Received(FINAL_PONG, payload)]


@given(st.integers(1000, 4999), st.text(max_size=200))
def test_a_close_says_its_code_and_as_much_of_the_reason_as_fits(code: int, reason: str) -> None:
    (frame,) = received(frames.close(code, reason))
    assert frame.first == FINAL_CLOSE
    assert len(frame.payload) <= 125
    assert int.from_bytes(frame.payload[:2], "big") == code
    said = frame.payload[2:].decode()
    assert reason.startswith(said)
    assert said == reason or len(said.encode()) > 119
