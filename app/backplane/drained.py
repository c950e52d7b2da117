"""How far the log of each partition is stored, as heard from drains and from PostgreSQL."""

from __future__ import annotations

from collections import deque

from app.eventlog.log import Mark


class Drained:
    """The furthest mark of each partition, through the lives of the log."""

    def __init__(self, partition_count: int) -> None:
        self._marks: dict[int, Mark] = {}
        self._over: deque[tuple[int, str]] = deque(maxlen=4 * partition_count)
        """Lives of the log that another has followed."""

    def has_passed(self, partition: int, mark: Mark) -> bool:
        """Whether everything in the log up to this point is stored, or was lost with the log."""
        if (partition, mark.generation) in self._over:
            return True
        known = self._marks.get(partition)
        return (
            known is not None
            and known.generation == mark.generation
            and known.logged >= mark.logged
        )

    def passed(self, partition: int, mark: Mark) -> None:
        """The log is drained up to this point; what comes late does not take it back."""
        if (partition, mark.generation) in self._over:
            return
        known = self._marks.get(partition)
        if known is not None and known.generation != mark.generation:
            self._over.append((partition, known.generation))
        if known is None or known.generation != mark.generation or known.logged < mark.logged:
            self._marks[partition] = mark
