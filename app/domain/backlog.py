"""How much of a partition's log waits for the drain, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from app.domain.batch import PartitionState
from app.domain.log_position import is_after


class Depth(Protocol):
    """What the log knows; see ``app.eventlog.log.Depth``."""

    @property
    def generation(self) -> str: ...
    @property
    def logged(self) -> int: ...
    @property
    def drained(self) -> int: ...
    @property
    def chunks(self) -> int: ...
    @property
    def first(self) -> str: ...
    @property
    def last(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits. ``pending`` says whether anything does: refused items leave chunks of no events.

    ``lag_s`` is the age of the oldest chunk that waits.
    """

    pending: bool
    events: int
    lag_s: float


def backlog(depth: Depth, state: PartitionState | None, now_s: float) -> Backlog:
    """Compare what the log holds with the partition's row.

    ``state`` is None while PostgreSQL is out of reach; the log's own count of what was drained,
    which follows a moment later, stands in. ``now_s`` is the Unix time.
    """
    if state is None:
        stored_all = depth.logged <= depth.drained
        stored_first, drained = False, depth.drained
    else:
        same_life = depth.generation == state.log_generation
        stored_all = same_life and not is_after(depth.last, state.log_position)
        # What is stored stays in the log for a moment more.
        stored_first = same_life and not is_after(depth.first, state.log_position)
        drained = state.log_drained if same_life else 0
    if depth.chunks == 0 or stored_all:
        return Backlog(False, 0, 0.0)
    oldest = depth.last if stored_first else depth.first
    began_s = int(oldest.partition("-")[0]) / 1000
    return Backlog(True, max(0, depth.logged - drained), max(0.0, now_s - began_s))
