"""The bounded room for events that are not stored yet, and who must go when it is full."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Offer(Enum):
    """What became of an event that asked for room."""

    KEPT = "kept"
    DROPPED = "dropped"
    FULL = "full"


@dataclass(slots=True, eq=False)
class Entry:
    """One event: its id and its bytes as they go into a frame.

    ``refused`` is set once the server has rejected it. ``spill_end`` is where its line ends in the
    spill file, 0 if it never was there.
    """

    id: str
    payload: bytes
    droppable: bool
    refused: bool = False
    spill_end: int = 0


class Buffer:
    """Room for ``max_events`` events and ``max_bytes`` bytes, those in flight included.

    An event waits here until it is taken to be sent, and holds its room until it is released.
    Only waiting events can be dropped: one that was sent has a place in the sequence.
    """

    def __init__(self, max_events: int, max_bytes: int) -> None:
        self.max_events = max_events
        self.max_bytes = max_bytes
        self.events = 0
        self.bytes = 0
        self.dropped = 0
        self._ordinal = 0
        self._waiting: OrderedDict[int, Entry] = OrderedDict()
        # The waiting events that may be dropped, oldest first, by the same ordinals.
        self._droppable: OrderedDict[int, Entry] = OrderedDict()
        self._droppable_bytes = 0

    @property
    def waiting(self) -> int:
        """Events that were not taken yet."""
        return len(self._waiting)

    def fits(self, size: int) -> bool:
        """Whether there is room for ``size`` more bytes. An empty buffer takes any one event."""
        return self.events == 0 or (
            self.events < self.max_events and self.bytes + size <= self.max_bytes
        )

    def offer(self, entry: Entry) -> Offer:
        """Take the event, if need be in the place of older debug logs and metrics.

        DROPPED means that the event itself was the one to go, FULL that it was not taken.
        """
        size = len(entry.payload)
        if not self.fits(size) and self._could_fit(size):
            while not self.fits(size):
                self._drop_oldest()
        if self.fits(size):
            self.add(entry)
            return Offer.KEPT
        if entry.droppable:
            self.dropped += 1
            return Offer.DROPPED
        return Offer.FULL

    def add(self, entry: Entry) -> None:
        """Append the event without asking for room."""
        self._ordinal += 1
        self._waiting[self._ordinal] = entry
        size = len(entry.payload)
        self.events += 1
        self.bytes += size
        if entry.droppable:
            self._droppable[self._ordinal] = entry
            self._droppable_bytes += size

    def take(self, most_bytes: int | None = None) -> Entry | None:
        """The oldest waiting event; None if there is none, or if it is over ``most_bytes``."""
        if not self._waiting:
            return None
        ordinal, entry = next(iter(self._waiting.items()))
        if most_bytes is not None and len(entry.payload) > most_bytes:
            return None
        del self._waiting[ordinal]
        if entry.droppable:
            del self._droppable[ordinal]
            self._droppable_bytes -= len(entry.payload)
        return entry

    def release(self, entry: Entry) -> None:
        """Give back the room of an event that was taken."""
        self.events -= 1
        self.bytes -= len(entry.payload)

    def __iter__(self) -> Iterator[Entry]:
        """The waiting events, oldest first."""
        return iter(self._waiting.values())

    def _could_fit(self, size: int) -> bool:
        """Whether there is room once every droppable event is gone."""
        events = self.events - len(self._droppable)
        freed = self.bytes - self._droppable_bytes
        return events == 0 or (events < self.max_events and freed + size <= self.max_bytes)

    def _drop_oldest(self) -> None:
        ordinal, entry = self._droppable.popitem(last=False)
        del self._waiting[ordinal]
        self._droppable_bytes -= len(entry.payload)
        self.release(entry)
        self.dropped += 1
