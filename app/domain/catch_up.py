"""From history to live without a seam: what comes in live is held back until history has been read.

Whoever catches up begins to hold, reads history up to some cursor, and then takes from what was
held only what lies behind that cursor. What was read twice is shown once; nothing falls between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.domain.cursor import Cursor

Item = TypeVar("Item")


@dataclass(slots=True)
class Held(Generic[Item]):
    """Live events that wait for history, at most ``limit`` of them and ``limit_bytes``.

    ``overflowed`` says that some had to be let go: history must be read further before going live.
    """

    limit: int
    limit_bytes: int = 8 * 1024 * 1024
    overflowed: bool = False
    _items: list[tuple[int, int, Sequence[Item]]] = field(default_factory=list)
    _count: int = 0
    _bytes: int = 0

    def hold(self, partition: int, last: int, items: Sequence[Item], size: int = 0) -> None:
        """A live batch of one partition that ends at offset ``last`` and has ``size`` bytes."""
        if self.overflowed or not items:
            return
        self._count += len(items)
        self._bytes += size
        if self._count > self.limit or self._bytes > self.limit_bytes:
            self.overflowed = True
            self._items.clear()
            return
        self._items.append((partition, last, items))

    def release(self, cursor: Cursor, offset_of: Callable[[Item], int]) -> list[Item]:
        """What was held and lies behind the cursor, in the order in which it came."""
        released: list[Item] = []
        for partition, last, items in self._items:
            seen = cursor.offsets[partition]
            if last > seen:
                released += (item for item in items if offset_of(item) > seen)
        self._items.clear()
        self._count = self._bytes = 0
        return released


def covers(heads: Cursor, cursor: Cursor) -> bool:
    """Whether a process that has delivered up to ``heads`` will bring nothing up to ``cursor``."""
    return all(head >= seen for head, seen in zip(heads.offsets, cursor.offsets, strict=True))


def misses(cursor: Cursor, lost_through: Mapping[int, int]) -> bool:
    """Whether something behind the cursor was dropped.

    ``lost_through`` is the last offset of each partition that retention has dropped: it goes by the
    time of an event, so one that came late leaves a hole among those that stay.
    """
    return any(seen < lost_through.get(p, 0) for p, seen in enumerate(cursor.offsets))


def unusable(
    cursor: Cursor, heads: Cursor, lost_through: Mapping[int, int], most: int
) -> str | None:
    """Why a cursor cannot be resumed: ``epoch``, ``retention`` or ``too_far``; None if it can.

    ``lost_through`` as for ``misses``; ``most`` events may be caught up.
    """
    if cursor.epoch != heads.epoch or len(cursor.offsets) != len(heads.offsets):
        return "epoch"
    if misses(cursor, lost_through):
        return "retention"
    if cursor.missed(heads) > most:
        return "too_far"
    return None
