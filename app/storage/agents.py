"""Agents: what the drain, hellos and the sweep write, and how far each sequence is stored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection, text

from app.domain.agent import AgentView
from app.domain.agent_fold import AgentFold
from app.domain.batch import CursorMove
from app.storage.agent_views import COLUMNS, view
from app.storage.projections import SNAPSHOT_EVERY, state_of

_encode = msgspec.json.Encoder().encode

_MOVE_CURSORS: Final = """
INSERT INTO agent_cursors AS known (project_id, agent_id, incarnation, seq)
SELECT project_id, agent_id, incarnation, seq
FROM json_to_recordset(%s) AS new (project_id uuid, agent_id text, incarnation bigint, seq bigint)
ORDER BY project_id, agent_id
ON CONFLICT (project_id, agent_id) DO UPDATE SET
    incarnation = excluded.incarnation,
    seq = CASE WHEN excluded.incarnation > known.incarnation
               THEN excluded.seq ELSE greatest(known.seq, excluded.seq) END
WHERE excluded.incarnation >= known.incarnation
"""

_FOLD: Final = f"""
WITH new AS (
SELECT * FROM json_to_recordset(%s) AS new (project_id uuid, agent_id text, role text, name text,
    status text, note text, seen_at timestamptz, last_event_at timestamptz, last_event_type text,
    last_event_severity text, task_id text, events bigint, cpu_pct double precision,
    memory_bytes bigint, last_offset bigint, as_of timestamptz)
), folded AS (
INSERT INTO agents AS known (project_id, agent_id, role, name, status, note, last_seen_at,
    first_seen_at, liveness, last_event_at, last_event_type, last_event_severity, task_id, events,
    cpu_pct, memory_bytes, last_offset, as_of)
SELECT project_id, agent_id, role, name, status, nullif(note, ''), coalesce(seen_at, now()),
    coalesce(seen_at, now()), CASE WHEN seen_at IS NULL THEN 'lost' ELSE 'online' END,
    last_event_at, last_event_type, last_event_severity, task_id, events, cpu_pct, memory_bytes,
    last_offset, as_of
FROM new
ORDER BY project_id, agent_id
ON CONFLICT (project_id, agent_id) DO UPDATE SET
    role = coalesce(excluded.role, known.role),
    name = coalesce(excluded.name, known.name),
    status = coalesce(excluded.status, known.status),
    note = CASE WHEN excluded.status IS NULL THEN known.note ELSE excluded.note END,
    liveness = CASE WHEN excluded.liveness = 'online' THEN 'online' ELSE known.liveness END,
    last_seen_at = CASE WHEN excluded.liveness = 'online'
        THEN greatest(known.last_seen_at, excluded.last_seen_at) ELSE known.last_seen_at END,
    last_event_at = excluded.last_event_at,
    last_event_type = excluded.last_event_type,
    last_event_severity = excluded.last_event_severity,
    task_id = coalesce(excluded.task_id, known.task_id),
    events = known.events + excluded.events,
    cpu_pct = coalesce(excluded.cpu_pct, known.cpu_pct),
    memory_bytes = coalesce(excluded.memory_bytes, known.memory_bytes),
    last_offset = excluded.last_offset,
    as_of = greatest(known.as_of, excluded.as_of)
RETURNING known.*
)
INSERT INTO projection_snapshots (project_id, kind, id, position, as_of, state)
SELECT folded.project_id, 'agent', folded.agent_id, folded.last_offset, folded.as_of,
    {state_of("folded")}
FROM folded JOIN new USING (project_id, agent_id)
WHERE folded.events / {SNAPSHOT_EVERY} > (folded.events - new.events) / {SNAPSHOT_EVERY}
ON CONFLICT DO NOTHING
"""


def move_cursors(cursor: psycopg.Cursor[Any], moves: Sequence[CursorMove]) -> None:
    """Record the last stored seq of each agent; an older incarnation changes nothing."""
    if moves:
        cursor.execute(_MOVE_CURSORS, (_encode(moves).decode(),))


def fold(cursor: psycopg.Cursor[Any], folds: Sequence[AgentFold]) -> None:
    """Fold what a batch says of each agent into its row."""
    if folds:
        cursor.execute(_FOLD, (_encode(folds).decode(),))


def register(
    connection: Connection,
    project_id: UUID,
    agent_id: str,
    *,
    role: str,
    name: str | None,
    meta: bytes | None,
) -> None:
    """An agent said hello: it is online, with this role and, if given, name and meta."""
    connection.execute(
        text(
            "INSERT INTO agents AS known (project_id, agent_id, role, name, meta)"
            " VALUES (:project, :agent, :role, :name, :meta)"
            " ON CONFLICT (project_id, agent_id) DO UPDATE SET role = excluded.role,"
            " name = coalesce(excluded.name, known.name),"
            " meta = coalesce(excluded.meta, known.meta),"
            " liveness = 'online', last_seen_at = greatest(known.last_seen_at, now())"
        ),
        {
            "project": project_id,
            "agent": agent_id,
            "role": role,
            "name": name,
            "meta": None if meta is None else meta.decode(),
        },
    )


def create(
    connection: Connection,
    project_id: UUID,
    agent_id: str,
    *,
    role: str | None,
    name: str | None,
    meta: str | None,
) -> bool:
    """Make an agent known before its first word; False if it is known already."""
    made = connection.execute(
        text(
            "INSERT INTO agents (project_id, agent_id, role, name, meta)"
            " VALUES (:project, :agent, :role, :name, :meta)"
            " ON CONFLICT (project_id, agent_id) DO NOTHING"
        ),
        {"project": project_id, "agent": agent_id, "role": role, "name": name, "meta": meta},
    )
    return bool(made.rowcount)


def exists(connection: Connection, project_id: UUID, agent_id: str) -> bool:
    """Whether there is such an agent."""
    return bool(
        connection.execute(
            text(
                "SELECT EXISTS (SELECT 1 FROM agents"
                " WHERE project_id = :project AND agent_id = :agent)"
            ),
            {"project": project_id, "agent": agent_id},
        ).scalar()
    )


def stored_seq(connection: Connection, project_id: UUID, agent_id: str) -> tuple[int, int]:
    """(newest incarnation, its last stored seq) of an agent, (0, 0) if nothing of it is stored."""
    return stored_seqs(connection, [(project_id, agent_id)]).get((project_id, agent_id), (0, 0))


def stored_seqs(
    connection: Connection, agents: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], tuple[int, int]]:
    """(incarnation, last stored seq) of many agents at once."""
    pairs = list(agents)
    found = connection.execute(
        text(
            "SELECT project_id, agent_id, incarnation, seq FROM agent_cursors"
            " WHERE (project_id, agent_id) IN"
            " (SELECT * FROM unnest(CAST(:projects AS uuid[]), CAST(:agents AS text[])))"
        ),
        {"projects": [p for p, _ in pairs], "agents": [a for _, a in pairs]},
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in found}


def touch(connection: Connection, seen: Iterable[tuple[UUID, str, datetime]]) -> None:
    """Signs of life that were no events."""
    rows = [{"project_id": str(p), "agent_id": a, "seen_at": at} for p, a, at in seen]
    if rows:
        connection.execute(
            # A row that a drain is at is skipped, not waited for: the drain marks it itself.
            text(
                "WITH found AS (SELECT project_id, agent_id, seen.seen_at FROM agents"
                " JOIN json_to_recordset(CAST(:seen AS json))"
                " AS seen (project_id uuid, agent_id text, seen_at timestamptz)"
                " USING (project_id, agent_id) FOR UPDATE OF agents SKIP LOCKED)"
                " UPDATE agents SET last_seen_at = greatest(last_seen_at, found.seen_at)"
                " FROM found WHERE agents.project_id = found.project_id"
                " AND agents.agent_id = found.agent_id"
            ),
            {"seen": _encode(rows).decode()},
        )


def judge(
    connection: Connection, *, stale_before: datetime, lost_before: datetime, forgiving: bool
) -> list[tuple[UUID, AgentView]]:
    """Set the liveness of every agent for which it changed; returns those, with their projects.

    ``forgiving`` lets agents come back and nobody go.
    """
    judged = (
        "CASE WHEN last_seen_at <= :lost THEN 'lost' WHEN last_seen_at <= :stale THEN 'stale'"
        " ELSE 'online' END"
    )
    found = connection.execute(
        text(
            f"WITH found AS (SELECT project_id, agent_id, {judged} AS liveness FROM agents"
            f" WHERE liveness <> {judged} AND (NOT :forgiving OR {judged} = 'online')"
            " FOR UPDATE SKIP LOCKED)"
            " UPDATE agents SET liveness = found.liveness FROM found"
            " WHERE agents.project_id = found.project_id AND agents.agent_id = found.agent_id"
            f" RETURNING agents.project_id, {_prefixed(COLUMNS)}"
        ),
        {"stale": stale_before, "lost": lost_before, "forgiving": forgiving},
    )
    return [(row[0], view(row[1:])) for row in found]


def _prefixed(columns: str) -> str:
    return ", ".join(f"agents.{column.strip()}" for column in columns.split(","))
