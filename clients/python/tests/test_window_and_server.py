"""The window against a server that stores, refuses, forgets, and is cut off at any moment."""

from __future__ import annotations

from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from telltale_client.buffer import Buffer, Entry
from telltale_client.errors import OutOfStep
from telltale_client.frames import Limits
from telltale_client.window import STALL_S, Batch, Window

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
