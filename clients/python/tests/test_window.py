"""The window: numbers, frames, going back, and what it makes of a welcome."""

from __future__ import annotations

import contextlib

import pytest
from telltale_client.buffer import Buffer, Entry
from telltale_client.errors import OutOfStep
from telltale_client.frames import Limits
from telltale_client.window import DOUBT_S, STALL_S, Batch, Window


def window_with(count: int, limits: Limits | None = None) -> tuple[Window, Buffer]:
    window, buffer = Window(10_000, 4 << 20), Buffer(10_000, 4 << 20)
    window.open(0, 0, limits or Limits())
    for number in range(count):
        buffer.add(Entry(str(number), b"{}", False))
    return window, buffer


def test_what_waits_goes_out_in_full_frames() -> None:
    window, buffer = window_with(2500)
    batches = [window.next_batch(0.0, buffer) for _ in range(4)]
    assert [(b.seq, len(b.payloads)) for b in batches if b] == [
        (1, 1000),
        (1001, 1000),
        (2001, 500),
    ]
    assert batches[3] is None


def test_frames_keep_to_the_bytes() -> None:
    window, buffer = Window(100, 1 << 20), Buffer(100, 1 << 20)
    window.open(0, 0, Limits(frame_bytes=1064))
    for number in range(6):
        buffer.add(Entry(str(number), b"x" * 400, False))
    sizes = []
    while (batch := window.next_batch(0.0, buffer)) is not None:
        sizes.append(len(batch.payloads))
    assert sizes == [2, 2, 2]


def test_the_window_is_bounded_in_events_and_bytes() -> None:
    window, buffer = Window(5, 1 << 20), Buffer(100, 1 << 20)
    for number in range(20):
        buffer.add(Entry(str(number), b"x" * 10, False))
    window.open(0, 0, Limits())
    assert len((window.next_batch(0.0, buffer) or Batch(0, [])).payloads) == 5
    assert window.next_batch(0.0, buffer) is None
    window.ack(2, 2, 0.0)
    assert len((window.next_batch(0.0, buffer) or Batch(0, [])).payloads) == 2
    narrow = Window(100, 25)
    narrow.open(0, 0, Limits())
    assert len((narrow.next_batch(0.0, buffer) or Batch(0, [])).payloads) == 2


def test_echoes_of_a_nack_are_answered_once() -> None:
    window, buffer = window_with(6000)
    for _ in range(6):
        window.next_batch(0.0, buffer)
    for _ in range(5):
        window.nack(1, 0.1)
    resent = window.next_batch(0.1, buffer)
    assert resent is not None
    assert resent.seq == 1
    # One frame at a time until it is answered.
    assert window.next_batch(0.2, buffer) is None
    # If nothing answers, the demand is met again.
    window.nack(1, 0.3)
    again = window.next_batch(1.2, buffer)
    assert again is not None
    assert again.seq == 1


def test_slow_waits_and_sends_less() -> None:
    window, buffer = window_with(3000)
    window.next_batch(0.0, buffer)
    window.next_batch(0.0, buffer)
    window.ack(1000, 0, 0.1)
    window.slow(0.5, 0.2)
    assert window.wake_at() == 0.7
    assert window.next_batch(0.6, buffer) is None
    batch = window.next_batch(0.7, buffer)
    assert batch is not None
    assert (batch.seq, len(batch.payloads)) == (1001, 500)
    assert window.next_batch(0.7, buffer) is None
    window.ack(1500, 0, 0.8)
    batch = window.next_batch(0.8, buffer)
    assert batch is not None
    assert (batch.seq, len(batch.payloads)) == (1501, 1000)


@pytest.mark.parametrize("stored", [0, 4, 99])
def test_a_welcome_out_of_step_asks_for_a_new_incarnation(stored: int) -> None:
    window, buffer = window_with(10)
    window.next_batch(0.0, buffer)
    window.ack(5, 5, 0.0)
    with pytest.raises(OutOfStep):
        window.open(stored, stored, Limits())
    assert window.renumber() == []
    window.open(0, 0, Limits())
    batch = window.next_batch(0.0, buffer)
    assert batch is not None
    assert (batch.seq, len(batch.payloads)) == (1, 5)


def test_a_welcome_without_the_database_goes_by_the_log() -> None:
    window, buffer = window_with(10)
    window.next_batch(0.0, buffer)
    window.ack(7, 5, 0.0)
    assert window.open(0, 7, Limits()) == []
    batch = window.next_batch(0.0, buffer)
    assert batch is not None
    assert (batch.seq, len(batch.payloads)) == (6, 5)


def test_a_fresh_process_continues_an_old_incarnation() -> None:
    window, buffer = window_with(3)
    window.open(41, 41, Limits())
    batch = window.next_batch(0.0, buffer)
    assert batch is not None
    assert batch.seq == 42


def test_what_is_logged_and_never_stored_is_asked_about() -> None:
    window, buffer = window_with(3)
    window.next_batch(0.0, buffer)
    window.ack(3, 0, 1.0)
    assert window.wake_at() == DOUBT_S
    assert window.next_batch(DOUBT_S - 1, buffer) is None
    assert window.next_batch(DOUBT_S, buffer) == Batch(3, [b"{}"])
    assert window.next_batch(DOUBT_S, buffer) is None
    window.nack(1, DOUBT_S)
    assert window.next_batch(DOUBT_S, buffer) == Batch(1, [b"{}"] * 3)


def test_silence_is_a_stall() -> None:
    window, buffer = window_with(3)
    window.next_batch(10.0, buffer)
    assert not window.is_stalled(10.0 + STALL_S)
    assert window.is_stalled(10.1 + STALL_S)
    window.ack(3, 0, 20.0)
    assert not window.is_stalled(10_000.0)
    with contextlib.suppress(OutOfStep):
        window.ack(4, 0, 21.0)
        pytest.fail("what was never sent cannot be acknowledged")
