"""The window of events in flight: sequence numbers, acknowledgements, and going back.

Pure: it is told what arrived and what time it is, and says what to send. An event stays in the
window, in order, until the server has `stored` it, because any of them may have to be sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from telltale_client.buffer import Buffer, Entry
from telltale_client.errors import OutOfStep
from telltale_client.frames import EVENTS_OVERHEAD, Limits

QUIET_S = 1.0
"""How long after going back to a number another demand for the same number is taken as an echo."""
STALL_S = 60.0
"""How long the server may leave a sent event without any answer."""
LONGEST_PAUSE_S = 60.0
DOUBT_S = 15.0
"""After so long without anything stored the last event is sent again: a server that lost its log
since answers with what it expects, any other acknowledges silently."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one frame; ``seq`` numbers the first."""

    seq: int
    payloads: list[bytes]


class Window:
    """At most ``max_events`` events and ``max_bytes`` bytes that were sent and are not stored.

    ``first`` is the number of the oldest, ``next`` the number that the next new event will get, and
    ``cursor`` the number to send next: below ``next`` while something is being sent again.
    """

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._refused = 0
        self.limits = Limits()
        self.first = 1
        self.cursor = 1
        self.logged = 0
        self._start_connection()

    def _start_connection(self) -> None:
        self._frame_events = self.limits.events_per_frame
        # After a refusal one frame at a time is sent, until the server has taken it.
        self._probing = False
        self._paused_until = 0.0
        self._back_at = 0.0
        self._back_to = 0
        self._asked_again = False
        self._unanswered_since = 0.0
        self._doubt_at = 0.0

    @property
    def next(self) -> int:
        """The number that the next new event will get."""
        return self.first + len(self._entries)

    @property
    def unsettled(self) -> int:
        """Events that are neither stored nor refused."""
        return len(self._entries) - self._refused

    def __iter__(self) -> Iterator[Entry]:
        """The events in flight, oldest first, without those that were refused."""
        return (entry for entry in self._entries if not entry.refused)

    def open(self, stored: int, logged: int, limits: Limits) -> list[Entry]:
        """A connection begins: continue from ``stored`` + 1. Returns what is stored.

        A server that cannot reach its database may name less than it said before; what it said
        holds, as long as its log goes that far.

        Raises:
            OutOfStep: if the server lacks events that are gone here, or has more than were sent.
        """
        self.limits = limits
        self._start_connection()
        if stored < self.first - 1 <= logged:
            stored = self.first - 1
        if not self._entries and stored >= self.first:
            self.first = stored + 1
        if not self.first - 1 <= stored < self.next:
            raise OutOfStep(f"The server has stored up to {stored}.")
        released = self._release(stored)
        self.cursor = self.first
        self.logged = stored
        return released

    def next_batch(self, now: float, source: Buffer) -> Batch | None:
        """What to send now, if anything: first what must be sent again, then new events."""
        if self._asked_again and now >= self._back_at + QUIET_S:
            self._go_back(self._back_to, now)
        if now < self._paused_until:
            return None
        self._paused_until = 0.0
        if self._probing and self.cursor - 1 > self.logged:
            return None
        seq = self.cursor
        payloads: list[bytes] = []
        room = self.limits.frame_bytes - EVENTS_OVERHEAD
        for entry in islice(self._entries, self.cursor - self.first, None):
            room -= len(entry.payload) + 1
            if payloads and (room < 0 or len(payloads) >= self._frame_events):
                break
            payloads.append(entry.payload)
        else:
            self._admit(source, payloads, room)
        if not payloads:
            return self._doubt(now)
        if self.cursor - 1 == self.logged:
            self._unanswered_since = now
        self._doubt_at = now + DOUBT_S
        self.cursor += len(payloads)
        return Batch(seq, payloads)

    def _admit(self, source: Buffer, payloads: list[bytes], room: int) -> None:
        """Give new events their numbers, as many as frame and window hold."""
        while len(payloads) < self._frame_events and len(self._entries) < self._max_events:
            most = self._max_bytes - self._bytes if self._entries else None
            if payloads:
                most = room - 1 if most is None else min(most, room - 1)
            entry = source.take(most)
            if entry is None:
                return
            self._entries.append(entry)
            self._bytes += len(entry.payload)
            room -= len(entry.payload) + 1
            payloads.append(entry.payload)

    def _doubt(self, now: float) -> Batch | None:
        """Everything is logged, and yet not stored: ask whether the log still has it."""
        if not self._entries or self.cursor < self.next or now < self._doubt_at:
            return None
        self._doubt_at = now + DOUBT_S
        return Batch(self.next - 1, [self._entries[-1].payload])

    def ack(self, logged: int, stored: int, now: float) -> list[Entry]:
        """Both numbers are cumulative. Returns the events that are stored now.

        Raises:
            OutOfStep: if the server acknowledges what was never sent.
        """
        if logged >= self.next or stored >= self.next:
            raise OutOfStep(f"The server acknowledged up to {max(logged, stored)}.")
        self._note_logged(max(logged, stored), now)
        if stored >= self.first:
            self._doubt_at = now + DOUBT_S
        return self._release(stored)

    def _note_logged(self, logged: int, now: float) -> None:
        if logged <= self.logged:
            return
        self.logged = logged
        self._unanswered_since = now
        self.cursor = max(self.cursor, logged + 1)
        if logged >= self._back_to:
            self._back_to = 0
            self._asked_again = False
        if self.cursor - 1 == logged:
            self._probing = False
        if not self._probing:
            self._frame_events = min(self.limits.events_per_frame, self._frame_events * 2)

    def nack(self, expected: int, now: float) -> None:
        """The server saw a hole before ``expected``: send again from there.

        Frames that were under way behind the hole bring the same demand once each. They are an echo
        as long as the first is being answered; if it stays unanswered, the demand is met again.

        Raises:
            OutOfStep: if ``expected`` is gone, or was never sent.
        """
        if not self.first <= expected <= self.next:
            raise OutOfStep(f"The server expects {expected}.")
        if expected == self._back_to and now < self._back_at + QUIET_S:
            self._asked_again = True
            return
        if expected > self.logged + 1:
            self._note_logged(expected - 1, now)
        self._go_back(expected, now)

    def slow(self, retry_after_s: float, now: float, seq: int | None = None) -> None:
        """A frame was refused as a whole: pause, then send from it again, in smaller frames.

        Without its ``seq`` it is the first frame that the server has not logged. Going back too far
        does no harm: what was seen is acknowledged again.
        """
        target = self.logged + 1 if seq is None else seq
        target = min(max(target, self.first), self.next)
        if now >= self._paused_until:
            self._frame_events = max(1, self._frame_events // 2)
        pause = min(retry_after_s, LONGEST_PAUSE_S)
        self._paused_until = max(self._paused_until, now + pause)
        self._go_back(min(target, self.cursor), self._paused_until)

    def _go_back(self, seq: int, at: float) -> None:
        """Send again from ``seq``; the time ``at`` is when that begins."""
        self.cursor = seq
        self.logged = min(self.logged, seq - 1)
        self._back_to = seq
        self._back_at = self._unanswered_since = at
        self._asked_again = False
        self._probing = True

    def reject(self, seq: int, now: float) -> Entry | None:
        """This event was refused. Returns it, or None if that was known.

        It keeps its place until the server has stored what is behind it: another server process may
        have to be walked past it once more.
        """
        index = seq - self.first
        if not 0 <= index < len(self._entries) or self._entries[index].refused:
            return None
        entry = self._entries[index]
        entry.refused = True
        self._refused += 1
        if seq == self.logged + 1:
            following = islice(self._entries, index, self.cursor - self.first)
            spent = next((i for i, item in enumerate(following) if not item.refused), None)
            self._note_logged(self.cursor - 1 if spent is None else self.logged + spent, now)
        return entry

    def renumber(self) -> list[Entry]:
        """A new incarnation: what is kept gets numbers from 1. Returns the refused ones."""
        refused = [entry for entry in self._entries if entry.refused]
        self._entries = deque(entry for entry in self._entries if not entry.refused)
        self._bytes = sum(len(entry.payload) for entry in self._entries)
        self._refused = 0
        self.first = self.cursor = 1
        self.logged = 0
        return refused

    def wake_at(self) -> float | None:
        """When to look again although nothing arrives; None if there is no such time."""
        times = []
        if self._paused_until:
            times.append(self._paused_until)
        if self._asked_again:
            times.append(self._back_at + QUIET_S)
        if self.cursor - 1 > self.logged:
            times.append(self._unanswered_since + STALL_S)
        elif self._entries and self.cursor == self.next:
            times.append(max(self._doubt_at, self._paused_until))
        return min(times, default=None)

    def is_stalled(self, now: float) -> bool:
        """Whether the server has left events without an answer for too long."""
        return self.cursor - 1 > self.logged and now > self._unanswered_since + STALL_S

    def _release(self, stored: int) -> list[Entry]:
        released = []
        while self.first <= stored and self._entries:
            entry = self._entries.popleft()
            self._bytes -= len(entry.payload)
            self._refused -= entry.refused
            self.first += 1
            released.append(entry)
        self.cursor = max(self.cursor, self.first)
        self.logged = max(self.logged, self.first - 1)
        return released
