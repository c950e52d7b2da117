"""The books of a partition: what was accepted is stored, a duplicate, queued or dead."""

from __future__ import annotations

from typing import Protocol

import msgspec

from app.domain.batch import PartitionState


class Depth(Protocol):
    """What the log knows; see ``app.eventlog.log.Depth``."""

    @property
    def generation(self) -> str: ...
    @property
    def logged(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def waiting_from(self) -> int | None: ...
    @property
    def waiting_to(self) -> int: ...


class LedgerEntry(msgspec.Struct):
    """One partition's line."""

    partition: int
    accepted: int
    stored: int
    duplicates: int
    queued: int
    dead: int
    balanced: bool


def balance(state: PartitionState, depth: Depth) -> LedgerEntry:
    """Compare what the log counted with what PostgreSQL holds.

    ``queued`` is counted from the chunks that are really there, not from a difference: an event
    that vanished from the log shows as an imbalance. What a log forgot after it was drained (it
    came back without its last second, or empty) is in ``accepted_before`` once its next chunk was
    drained; until then the greater of the two counters is the true one. What the log knew again is
    in the row as far as ``log_duplicates`` says.
    """
    same_life = depth.generation == state.log_generation
    drained = state.log_drained if same_life else 0
    queued = 0
    if depth.waiting_from is not None:
        queued = depth.waiting_to - max(depth.waiting_from, drained)
    logged = max(depth.logged, drained)
    forgotten = 0 if same_life else state.log_drained
    known_again = max(0, depth.duplicates - (state.log_duplicates if same_life else 0))
    accepted = state.accepted_before + forgotten + logged + known_again
    duplicates = state.duplicates + known_again
    queued = max(0, queued)
    return LedgerEntry(
        partition=state.partition,
        accepted=accepted,
        stored=state.stored,
        duplicates=duplicates,
        queued=queued,
        dead=state.dead,
        balanced=accepted == state.stored + duplicates + queued + state.dead,
    )
