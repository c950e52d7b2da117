"""What a drain makes of the chunks it read: rows with offsets, and what follows from them.

Pure: given the partition's state and its chunks, the same plan comes out every time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from uuid import UUID

import msgspec

from app.domain.agent_fold import AgentFold, fold_rows
from app.domain.event import decode_event
from app.domain.log_position import is_after
from app.domain.partition import agent_key
from app.domain.row import Row


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A partition's row. Its order of fields is the order of the columns."""

    partition: int
    epoch: str
    log_generation: str
    log_position: str
    log_drained: int
    """Events of this generation of the log that were drained."""
    accepted_before: int
    """What was accepted and is not in the log's counter of logged events: in its earlier lives, or
    forgotten by it after it was drained, or known again at its door.
    """
    head: int
    stored: int
    duplicates: int
    dead: int
    log_duplicates: int
    """Duplicates that the log in this life has known again, as far as ``duplicates`` has them."""


class LoggedRun(Protocol):
    """One agent's run in a chunk; see ``app.eventlog.log.LoggedRun``."""

    @property
    def key(self) -> str: ...
    @property
    def incarnation(self) -> int: ...
    @property
    def last_seq(self) -> int: ...
    @property
    def received_at(self) -> str: ...
    @property
    def records(self) -> list[bytes]: ...


class Chunk(Protocol):
    """One append in the log; see ``app.eventlog.log.Chunk``."""

    @property
    def position(self) -> str: ...
    @property
    def generation(self) -> str: ...
    @property
    def logged(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def runs(self) -> Iterable[LoggedRun]: ...


class CursorMove(msgspec.Struct):
    """An agent's sequence is stored up to ``seq``."""

    project_id: UUID
    agent_id: str
    incarnation: int
    seq: int


@dataclass(slots=True)
class Plan:
    """What one partition's transaction writes."""

    state: PartitionState
    rows: list[Row] = field(default_factory=list)
    cursors: list[CursorMove] = field(default_factory=list)
    agents: list[AgentFold] = field(default_factory=list)
    vanished: int = 0
    """Events that the log has let go of, although this row knows nothing of them: the row is older
    than the log takes it to be.
    """
    called: list[str] = field(default_factory=list)
    """The agent keys of those who are to be told of something."""


Known = Callable[[Row], bool]


@lru_cache(maxsize=20_000)
def split_key(key: str) -> tuple[str, UUID, str]:
    """The project, as text and as it is, and the agent of an agent key."""
    project, _, agent_id = key.partition("/")
    return project, UUID(project), agent_id


def plan(  # noqa: C901 - one loop over chunks, runs and records, kept in one place for speed
    state: PartitionState, chunks: Iterable[Chunk], known: Known | None = None
) -> Plan:
    """Give each new event of ``chunks`` the next offset.

    ``known`` says which rows are stored already; without it every row is taken to be new, and the
    unique key finds out. Chunks that lie before the state's position are skipped.
    """
    rows: list[Row] = []
    moves: dict[str, tuple[int, int]] = {}
    folds: dict[str, AgentFold] = {}
    seen: dict[str, list[Row]] = {}
    offset = state.head
    total = 0
    accepted_before = state.accepted_before
    drained = state.log_drained
    position, generation = state.log_position, state.log_generation
    known_again, again, vanished = state.log_duplicates, 0, 0
    for chunk in chunks:
        new_life = chunk.generation != generation
        if not new_life and not is_after(chunk.position, position):
            continue
        vanished += max(0, chunk.logged - (0 if new_life else drained))
        if chunk.logged < drained:
            # The log has forgotten events that PostgreSQL holds; the books keep them.
            accepted_before += drained - chunk.logged
        if new_life:
            known_again = 0
        if chunk.duplicates > known_again:
            again += chunk.duplicates - known_again
            known_again = chunk.duplicates
        position, generation = chunk.position, chunk.generation
        drained = chunk.logged + chunk.count
        for run in chunk.runs:
            if run.incarnation and (run.incarnation, run.last_seq) > moves.get(run.key, (0, 0)):
                moves[run.key] = (run.incarnation, run.last_seq)
            if not run.records:
                continue
            project, project_id, _ = split_key(run.key)
            received_at = datetime.fromisoformat(run.received_at)
            began = len(rows)
            for record in run.records:
                total += 1
                event = decode_event(record)
                row = Row(
                    project,
                    project_id,
                    state.partition,
                    offset + 1,
                    event,
                    record,
                    received_at,
                    run.received_at,
                )
                twins = seen.get(event.id)
                if twins is not None and any(map(row.is_again, twins)):
                    continue
                if known is not None and known(row):
                    continue
                if twins is None:
                    seen[event.id] = [row]
                else:
                    twins.append(row)
                offset += 1
                rows.append(row)
            if len(rows) > began:
                folds[run.key] = fold_rows(folds.get(run.key), rows[began:])
    moved = replace(
        state,
        log_generation=generation,
        log_position=position,
        log_drained=drained,
        accepted_before=accepted_before + again,
        head=offset,
        stored=state.stored + len(rows),
        duplicates=state.duplicates + total - len(rows) + again,
        log_duplicates=known_again,
    )
    return Plan(
        moved,
        rows,
        [CursorMove(*split_key(key)[1:], *move) for key, move in moves.items()],
        list(folds.values()),
        vanished,
    )


def counted_again(state: PartitionState, generation: str, duplicates: int) -> PartitionState:
    """The row with what the log has known again up to now, if it does not have that yet."""
    again = duplicates - state.log_duplicates
    if generation != state.log_generation or again <= 0:
        return state
    return replace(
        state,
        accepted_before=state.accepted_before + again,
        duplicates=state.duplicates + again,
        log_duplicates=duplicates,
    )


def without(made: Plan, index: int) -> Plan:
    """The plan without a row that PostgreSQL refuses: it is dead, those behind it move up."""
    rows = made.rows[:index]
    for row in made.rows[index + 1 :]:
        rows.append(msgspec.structs.replace(row, offset=row.offset - 1))
    folds: dict[str, AgentFold] = {}
    for row in rows:
        key = agent_key(row.project, row.event.agent_id)
        folds[key] = fold_rows(folds.get(key), [row])
    state = replace(
        made.state,
        head=made.state.head - 1,
        stored=made.state.stored - 1,
        dead=made.state.dead + 1,
    )
    return Plan(state, rows, made.cursors, list(folds.values()), made.vanished)
