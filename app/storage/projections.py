"""Projections: what history makes of agents and tasks, at any moment of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.domain.agent_state import AgentState, replay
from app.domain.event import SEVERITIES, Event
from app.domain.task import Task, TaskEvent, decode_task, fold

SNAPSHOT_EVERY: Final = 250
"""Events of an agent from one snapshot to the next."""

MAX_REPLAYED: Final = 5000
"""Events that one question about an agent's past may fold; there are more only if a snapshot was
lost.
"""

DATA_OF_FOLDED: Final = "CASE WHEN type LIKE 'agent.%' THEN data::text END"
"""SQL for the data of an event, where a fold of its agent looks at it."""

_NOTHING: Final = msgspec.Raw(b"{}")
_FIELDS: Final = AgentState.__struct_fields__
_TASK_FIELDS: Final = Task.__struct_fields__


class Base(NamedTuple):
    """A snapshot to go on from; position 0 is the beginning of history."""

    position: int
    state: bytes | None


def state_of(row: str) -> str:
    """SQL for the state in a row of ``agents``, as JSON."""
    pairs = ", ".join(f"'{name}', {row}.{name}" for name in _FIELDS)
    return f"json_build_object({pairs})"


def agent_at(connection: Connection, project_id: UUID, agent_id: str, at: datetime) -> AgentState:
    """What history had made of an agent at a moment by the server's clock."""
    known = _base(connection, project_id, "agent", agent_id, at)
    state = AgentState()
    if known.state is not None:
        state = msgspec.json.decode(known.state, type=AgentState)
    found = connection.execute(
        text(
            "SELECT received_at, type, agent_id, occurred_at, task_id, severity,"
            f" {DATA_OF_FOLDED} FROM events"
            " WHERE project_id = :project AND agent_id = :agent"
            ' AND "offset" > :after AND "offset" <= coalesce((SELECT min(position)'
            " FROM projection_snapshots WHERE project_id = :project AND kind = 'agent'"
            " AND id = :agent AND position > :after), 9223372036854775807)"
            ' ORDER BY "offset" LIMIT :most'
        ),
        {"project": project_id, "agent": agent_id, "after": known.position, "most": MAX_REPLAYED},
    )
    return replay(state, [folded_event(*row) for received, *row in found if received <= at])


def folded_event(
    kind: str, agent_id: str, at: datetime, task_id: str | None, severity: int, data: str | None
) -> Event:
    """An event as far as a fold looks at it, from columns; ``data`` is None where it does not."""
    return Event(
        id="",
        type=kind,
        agent_id=agent_id,
        time=at,
        task_id=task_id,
        trace_id=None,
        severity=SEVERITIES[severity],  # type: ignore[arg-type]
        data=_NOTHING if data is None else msgspec.Raw(data.encode()),
    )


def task_at(connection: Connection, project_id: UUID, task_id: str, at: datetime) -> Task | None:
    """What history had made of a task at a moment by the server's clock; None if nothing yet."""
    known = _base(connection, project_id, "task", task_id, at)
    task = None if known.state is None else decode_task(known.state)
    for event in _task_events(connection, project_id, task_id, known.position):
        if event.at > at:
            break
        task = fold(task, event)
    return task


def lost_through(connection: Connection, partition: int) -> int:
    """The last offset of a partition that retention has dropped; 0 if none."""
    return int(
        connection.execute(
            text("SELECT lost_through FROM partitions WHERE partition = :partition"),
            {"partition": partition},
        ).scalar()
        or 0
    )


def keep_bases(connection: Connection) -> None:
    """Keep what history has made of all agents and tasks up to now: some of it is to be dropped."""
    connection.execute(
        text(
            "INSERT INTO projection_snapshots (project_id, kind, id, position, as_of, state)"
            " SELECT project_id, 'agent', agent_id, last_offset, coalesce(as_of, now()),"
            f" {state_of('agents')} FROM agents WHERE last_offset > 0 ON CONFLICT DO NOTHING"
        )
    )
    fields = ", ".join(f"'{name}', {name}" for name in _TASK_FIELDS)
    connection.execute(
        text(
            "INSERT INTO projection_snapshots (project_id, kind, id, position, as_of, state)"
            " SELECT project_id, 'task', task_id, version, updated_at,"
            f" json_build_object({fields}) FROM tasks ON CONFLICT DO NOTHING"
        )
    )


def forget(connection: Connection, before: datetime) -> int:
    """Forget snapshots from before a moment, except the newest of each; how many."""
    return connection.execute(
        text(
            "DELETE FROM projection_snapshots AS old WHERE as_of < :before AND EXISTS ("
            "SELECT 1 FROM projection_snapshots AS newer WHERE newer.project_id = old.project_id"
            " AND newer.kind = old.kind AND newer.id = old.id AND newer.position > old.position"
            " AND newer.as_of < :before)"
        ),
        {"before": before},
    ).rowcount


def _base(connection: Connection, project_id: UUID, kind: str, name: str, at: datetime) -> Base:
    """The newest snapshot that holds nothing received after ``at``."""
    row = connection.execute(
        text(
            "SELECT position, state::text FROM projection_snapshots WHERE project_id = :project"
            " AND kind = :kind AND id = :name AND as_of <= :at"
            " ORDER BY as_of DESC, position DESC LIMIT 1"
        ),
        {"project": project_id, "kind": kind, "name": name, "at": at},
    ).first()
    return Base(0, None) if row is None else Base(row[0], row[1].encode())


def _task_events(
    connection: Connection, project_id: UUID, task_id: str, after: int
) -> Iterator[TaskEvent]:
    found = connection.execute(
        text(
            "SELECT type, task_id, agent_id, received_at, data::text AS data FROM events"
            " WHERE project_id = :project AND task_id = :task AND task_version > :after"
            " ORDER BY task_version"
        ),
        {"project": project_id, "task": task_id, "after": after},
    )
    return (
        TaskEvent(row.type, row.task_id, row.agent_id, row.received_at, row.data.encode())
        for row in found
    )
