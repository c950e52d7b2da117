"""What PostgreSQL is to the stream: committed events with contiguous offsets, and reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.cursor import Cursor

PARTITIONS = 2
KINDS = 2


class Event(NamedTuple):
    """An event with its place; ``kind`` is what filters look at."""

    partition: int
    offset: int
    kind: int


class Batch(NamedTuple):
    """Events ``first..last`` of a partition, as they are published."""

    epoch: str
    partition: int
    first: int
    last: int
    items: tuple[Event, ...]


Wanted = frozenset[int]
"""The kinds that a filter wants."""


@dataclass
class History:
    """The events of one epoch. ``kept_from`` is the first offset that retention has left."""

    epoch: str = "epoch-1"
    events: list[list[Event]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    kept_from: list[int] = field(default_factory=lambda: [1] * PARTITIONS)

    def commit(self, partition: int, kinds: Sequence[int]) -> Batch:
        """Store events and give each the next offset."""
        log = self.events[partition]
        first = len(log) + 1
        items = tuple(Event(partition, first + n, kind) for n, kind in enumerate(kinds))
        log += items
        return Batch(self.epoch, partition, first, len(log), items)

    def heads(self) -> Cursor:
        """The cursor behind everything."""
        return Cursor(self.epoch, tuple(len(log) for log in self.events))

    def between(self, partition: int, first: int, last: int, limit: int) -> list[Event]:
        """As ``storage.history.between``."""
        first = max(first, self.kept_from[partition])
        return self.events[partition][first - 1 : last][:limit]

    def lost_through(self) -> dict[int, int]:
        """The last offset of each partition that retention has dropped."""
        return {
            partition: min(self.kept_from[partition] - 1, len(log))
            for partition, log in enumerate(self.events)
        }

    def sweep(
        self, wanted: Wanted, after: Cursor, until: Cursor, limit: int
    ) -> tuple[list[Event], Cursor]:
        """As ``storage.history.sweep``: a page of which each partition gives its share."""
        offsets = list(after.offsets)
        waiting = [p for p, high in enumerate(until.offsets) if offsets[p] < high]
        share = max(1, limit // max(1, len(waiting)))
        page: list[Event] = []
        for partition in waiting:
            high = until.offsets[partition]
            rows = self.matching(wanted, partition, offsets[partition], high)[:share]
            offsets[partition] = rows[-1].offset if len(rows) == share else high
            page += rows
        return page, Cursor(after.epoch, tuple(offsets))

    def matching(self, wanted: Wanted, partition: int, low: int, high: int) -> list[Event]:
        """All events of a partition behind ``low`` and up to ``high`` that a filter wants."""
        first = max(low + 1, self.kept_from[partition])
        return [e for e in self.events[partition][first - 1 : high] if e.kind in wanted]
