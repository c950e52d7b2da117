"""Every event that was emitted and is not stored yet: in flight, waiting, or in the spill file.

Their order is the order of `emit`: the window before the buffer, the buffer before the file. While
the file holds something that was not read back, whatever is emitted goes behind it. Not
thread-safe: the engine's lock is held around every call.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from telltale_client.buffer import Buffer, Entry, Offer
from telltale_client.frames import Limits
from telltale_client.spill import SpillFile
from telltale_client.window import Batch, Window


class Outbox:
    """Where events wait until they are stored. ``spill`` takes what memory has no room for."""

    def __init__(self, buffer: Buffer, window: Window, spill: SpillFile | None = None) -> None:
        self.buffer = buffer
        self.window = window
        self.spill = spill
        self.stored = 0
        self.spilled = 0

    @property
    def pending(self) -> int:
        """Events that are neither stored nor refused."""
        waiting = self.window.unsettled + self.buffer.waiting
        return waiting + (self.spill.unread if self.spill else 0)

    @property
    def has_more(self) -> bool:
        """Whether something waits to be sent, now or when the window has room."""
        return bool(
            self.window.cursor < self.window.next
            or self.buffer.waiting
            or (self.spill and self.spill.unread)
        )

    def put(self, entry: Entry) -> Offer:
        """Take an event behind all others, if there is room or something may make room."""
        if self.spill is None:
            return self.buffer.offer(entry)
        if not self.spill.unread and self.buffer.fits(len(entry.payload)):
            self.buffer.add(entry)
            return Offer.KEPT
        if self.spill.append(entry.payload):
            self.spilled += 1
            return Offer.KEPT
        if not self.spill.unread:
            return self.buffer.offer(entry)
        if entry.droppable:
            self.buffer.dropped += 1
            return Offer.DROPPED
        return Offer.FULL

    def next_batch(self, now: float) -> Batch | None:
        """What to send now; what the file holds is read back as room appears."""
        if self.spill is not None and self.spill.unread:
            self._read_back(self.spill)
        return self.window.next_batch(now, self.buffer)

    def open(self, stored: int, logged: int, limits: Limits) -> int:
        """A connection begins. Returns how many events turned out to be stored."""
        return self._settle(self.window.open(stored, logged, limits))

    def ack(self, logged: int, stored: int, now: float) -> int:
        """Returns how many events are stored by this acknowledgement."""
        return self._settle(self.window.ack(logged, stored, now))

    def renumber(self) -> None:
        """A new incarnation begins: what is kept is numbered from 1 again."""
        for entry in self.window.renumber():
            self.buffer.release(entry)

    def sync(self) -> None:
        """Bring the spill file to the disk."""
        if self.spill is not None:
            self.spill.sync()

    def put_away(self) -> int:
        """The process ends: keep what is pending in the file. Returns how many have no place."""
        if self.spill is None:
            return self.pending
        if not self.pending:
            self.spill.remove()
            return 0
        unplaced = 0
        try:
            self.spill.put_back(entry.payload for entry in chain(self.window, self.buffer))
        except OSError:
            unplaced = self.pending - self.spill.unread
        self.spill.close()
        return unplaced

    def _read_back(self, spill: SpillFile) -> None:
        """Fill the buffer from the file once half of it is free, so that reads are worth it."""
        buffer = self.buffer
        if buffer.events > buffer.max_events // 2 or buffer.bytes > buffer.max_bytes // 2:
            return
        for entry in spill.read(buffer.max_events - buffer.events):
            buffer.add(entry)

    def _settle(self, released: Iterable[Entry]) -> int:
        count = 0
        for entry in released:
            self.buffer.release(entry)
            count += not entry.refused
            if entry.spill_end and self.spill is not None:
                self.spill.note_stored(entry.spill_end)
        self.stored += count
        return count
