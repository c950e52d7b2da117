"""The window against a server that stores, refuses, forgets, and is cut off at any moment."""

from __future__ import annotations

import contextlib
from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from telltale_client.buffer import Buffer, Entry
from telltale_client.errors import OutOfStep
from telltale_client.frames import Limits
from telltale_client.window import DOUBT_S, STALL_S, Batch, Window

LIMITS = Limits(events_per_frame=4, frame_bytes=1024, data_bytes=100)


class Wire(RuleBasedStateMachine):
    """Client and server with two ordered, breakable directions between them.

    The server keeps, per incarnation, a contiguous log of which it has stored a prefix. It may lose
    what is not stored. An event whose id ends in `!` is one that it refuses.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.buffer = Buffer(1000, 100_000)
        self.window = Window(max_events=12, max_bytes=400)
        self.emitted: list[str] = []
        self.released: list[str] = []
        self.up: deque[Batch] = deque()
        self.down: deque[tuple[str, int]] = deque()
        self.log: list[str] = []  # of this incarnation
        self.stored = 0
        self.history: list[str] = []
        self.connected = False
        self.sent_frames = 0

    def _restart(self) -> None:
        self.connected = False
        self.up.clear()
        self.down.clear()
        for entry in self.window.renumber():
            self.buffer.release(entry)
        self.log, self.stored = [], 0

    def _let_go(self, entries: list[Entry]) -> None:
        for entry in entries:
            self.buffer.release(entry)
            # A refusal may be lost with its connection; such an event is let go like a stored one.
            if not entry.id.endswith("!"):
                self.released.append(entry.id)

    @rule(refused=st.booleans(), size=st.integers(1, 150))
    def emit(self, refused: bool, size: int) -> None:
        name = f"{len(self.emitted)}" + ("!" if refused else "")
        self.emitted.append(name)
        self.buffer.add(Entry(name, name.encode().ljust(size, b"."), False))

    @precondition(lambda self: not self.connected)
    @rule()
    def connect(self) -> None:
        self.connected = True
        self._let_go(self.window.open(self.stored, len(self.log), LIMITS))

    @precondition(lambda self: self.connected)
    @rule()
    def send(self) -> None:
        batch = self.window.next_batch(self.now, self.buffer)
        if batch is not None:
            assert len(batch.payloads) <= LIMITS.events_per_frame
            assert sum(map(len, batch.payloads)) <= LIMITS.frame_bytes
            self.up.append(batch)
            self.sent_frames += 1

    @precondition(lambda self: self.up)
    @rule(slow=st.integers(0, 5), says_seq=st.booleans())
    def server_reads(self, slow: int, says_seq: bool) -> None:
        batch = self.up.popleft()
        names = [payload.decode().rstrip(".") for payload in batch.payloads]
        if batch.seq > len(self.log) + 1:
            self.down.append(("nack", len(self.log) + 1))
        elif slow == 0:
            self.down.append(("slow", batch.seq if says_seq else -1))
        else:
            fresh = names[len(self.log) + 1 - batch.seq :]
            for name in fresh:
                self.log.append(name)
                if name.endswith("!"):
                    self.down.append(("reject", len(self.log)))
            self.down.append(("logged", len(self.log)))

    @rule(count=st.integers(1, 10))
    def server_stores(self, count: int) -> None:
        fresh = self.log[self.stored : self.stored + count]
        self.stored += len(fresh)
        self.history += [n for n in fresh if not n.endswith("!") and n not in self.history]
        if fresh and self.connected:
            self.down.append(("stored", self.stored))

    @rule()
    def server_forgets(self) -> None:
        del self.log[self.stored :]

    @precondition(lambda self: self.down)
    @rule()
    def client_reads(self) -> None:
        word, number = self.down.popleft()
        try:
            if word == "logged":
                self._let_go(self.window.ack(number, 0, self.now))
            elif word == "stored":
                self._let_go(self.window.ack(0, number, self.now))
            elif word == "nack":
                self.window.nack(number, self.now)
            elif word == "slow":
                self.window.slow(0.5, self.now, None if number < 0 else number)
            else:
                entry = self.window.reject(number, self.now)
                assert entry is None or entry.id.endswith("!")
        except OutOfStep:
            self._restart()

    @rule()
    def disconnect(self) -> None:
        self.connected = False
        self.up.clear()
        self.down.clear()

    @rule(seconds=st.sampled_from([0.1, 0.6, 1.1, 5.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        if self.window.is_stalled(self.now):
            self.disconnect()

    @invariant()
    def keeps_its_promises(self) -> None:
        # What was let go is stored, and is the beginning of what was emitted.
        good = [name for name in self.emitted if not name.endswith("!")]
        assert self.released == good[: len(self.released)]
        assert set(self.released) <= set(self.history)
        # What is stored is stored once, in the order of emit.
        assert self.history == good[: len(self.history)]
        window = self.window
        assert window.first <= window.cursor <= window.next
        assert window.logged >= window.first - 1
        assert window.next - window.first <= 12
        wake_at = window.wake_at()
        assert wake_at is None or wake_at <= self.now + STALL_S + 60

    def teardown(self) -> None:
        """Left alone, a good server gets everything, without a storm of frames."""
        frames_before = self.sent_frames
        if not self.connected:
            self.connect()
        for _ in range(2000):
            if not self.window.unsettled and not self.buffer.waiting:
                break
            self.send()
            if self.up:
                self.server_reads(1, says_seq=False)
            self.server_stores(100)
            while self.down:
                self.client_reads()
                if not self.connected:
                    self.connect()
            self.time_passes(0.3)
            if not self.connected:
                self.connect()
        good = [name for name in self.emitted if not name.endswith("!")]
        assert self.history == good
        assert self.sent_frames - frames_before <= 3 * len(self.emitted) + 40


TestWire = Wire.TestCase
TestWire.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


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
