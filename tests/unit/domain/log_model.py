"""A partition's log in memory, with the counters of the real one and the ways in which it fails."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from app.core.clock import rfc3339
from app.domain.batch import PartitionState
from app.domain.event import encode_event
from app.domain.partition import agent_key
from app.eventlog.log import Chunk, Depth, LoggedRun
from tests.unit.domain.door import NOW, come_in, item

PROJECT = "0199e1c2-0000-7000-8000-000000000001"
EMPTY = PartitionState(
    partition=3,
    epoch="epoch-1",
    log_generation="",
    log_position="0-0",
    log_drained=0,
    accepted_before=0,
    head=0,
    stored=0,
    duplicates=0,
    dead=0,
    log_duplicates=0,
)


def record(
    event_id: str, agent_id: str = "worker-7", *, event_type: str = "test.happened"
) -> bytes:
    """What the gateway puts into the log for an event with a time of its own."""
    raw = item(id=event_id, type=event_type, agent_id=agent_id, time=NOW.isoformat())
    return encode_event(come_in(raw, agent_id=None))


def run(
    records: Sequence[bytes],
    agent_id: str = "worker-7",
    *,
    incarnation: int = 0,
    last_seq: int = 0,
    project: str = PROJECT,
    received_s: float = 1,
) -> LoggedRun:
    """A run that was received so many seconds after the events happened."""
    received_at = rfc3339(NOW + timedelta(seconds=received_s))
    key = agent_key(project, agent_id)
    return LoggedRun(key, incarnation, last_seq, received_at, list(records))


@dataclass
class LogModel:
    """Chunks that were not trimmed, and the counters beside them."""

    generation: str = "life-1"
    logged: int = 0
    drained: int = 0
    duplicates: int = 0
    chunks: list[Chunk] = field(default_factory=list)
    _lives: count[int] = field(default_factory=lambda: count(2))
    _clock: count[int] = field(default_factory=lambda: count(1))

    def append(self, *runs: LoggedRun) -> Chunk:
        """Put runs into the log as one chunk."""
        events = sum(len(each.records) for each in runs)
        chunk = Chunk(
            position=f"{next(self._clock)}-0",
            generation=self.generation,
            logged=self.logged,
            count=events,
            bytes=0,
            size=0,
            duplicates=self.duplicates,
            runs=list(runs),
        )
        self.logged += events
        self.chunks.append(chunk)
        return chunk

    def finish(self, state: PartitionState) -> None:
        """Trim what a committed drain has stored."""
        if state.log_generation == self.generation:
            done = [chunk for chunk in self.chunks if is_drained(chunk, state)]
            self.chunks = self.chunks[len(done) :]
            self.drained = max(self.drained, state.log_drained)

    def saved(self) -> LogModel:
        """The log as it is now, as a disk would keep it. Its clock goes on."""
        clock, lives = self._clock, self._lives
        kept = copy.deepcopy(self)
        kept._clock, kept._lives = clock, lives
        return kept

    def come_back_empty(self) -> None:
        """All is lost: a new life begins."""
        self.generation = f"life-{next(self._lives)}"
        self.logged = self.drained = self.duplicates = 0
        self.chunks = []
        self._clock = count(1)

    def depth(self) -> Depth:
        """How much waits."""
        oldest = self.chunks[0] if self.chunks else None
        newest = self.chunks[-1] if self.chunks else None
        return Depth(
            generation=self.generation,
            logged=self.logged,
            drained=self.drained,
            duplicates=self.duplicates,
            chunks=len(self.chunks),
            first=oldest.position if oldest else "0-0",
            last=newest.position if newest else "0-0",
            waiting_from=oldest.logged if oldest else None,
            waiting_to=newest.logged + newest.count if newest else 0,
        )


def is_drained(chunk: Chunk, state: PartitionState) -> bool:
    """Whether the state lies at or behind this chunk."""
    return chunk.generation == state.log_generation and int(chunk.position.split("-")[0]) <= int(
        state.log_position.split("-")[0]
    )
