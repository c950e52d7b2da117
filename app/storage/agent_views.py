"""Agents as dashboards and REST are shown them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.domain.agent import AgentDetail, AgentView, Liveness

COLUMNS: Final = (
    "agent_id, name, role, status, note, liveness, first_seen_at, last_seen_at, last_event_at,"
    " last_event_type, last_event_severity, task_id, events, cpu_pct, memory_bytes"
)
_AMONG: Final = "(CAST(:among AS text[]) IS NULL OR agent_id = ANY(CAST(:among AS text[])))"


def by_ids(
    connection: Connection, wanted: Iterable[tuple[UUID, str]]
) -> list[tuple[UUID, AgentView]]:
    """These agents as they are now, each with its project."""
    pairs = list(wanted)
    found = connection.execute(
        text(
            f"SELECT project_id, {COLUMNS} FROM agents WHERE (project_id, agent_id) IN"
            " (SELECT * FROM unnest(CAST(:projects AS uuid[]), CAST(:agents AS text[])))"
        ),
        {"projects": [p for p, _ in pairs], "agents": [a for _, a in pairs]},
    )
    return [(row[0], view(row[1:])) for row in found]


def page(
    connection: Connection,
    project_id: UUID,
    *,
    among: Collection[str] = (),
    after: str = "",
    limit: int,
) -> list[AgentView]:
    """Agents of a project by id, at most ``limit``, those behind ``after``; if ``among`` names
    any, only these.
    """
    found = connection.execute(
        text(
            f"SELECT {COLUMNS} FROM agents WHERE project_id = :project AND agent_id > :after"
            f" AND {_AMONG} ORDER BY agent_id LIMIT :limit"
        ),
        {"project": project_id, "after": after, "limit": limit, "among": list(among) or None},
    )
    return [view(row) for row in found]


def search(
    connection: Connection,
    project_id: UUID,
    *,
    limit: int,
    after: str = "",
    statuses: Sequence[str] = (),
    livenesses: Sequence[str] = (),
    role: str | None = None,
    task_id: str | None = None,
    text_wanted: str = "",
) -> list[AgentView]:
    """Agents of a project by id, behind ``after``. Text is looked for in the id and the name."""
    wanted = {
        "statuses": list(statuses) or None,
        "livenesses": list(livenesses) or None,
        "role": role,
        "task": task_id,
        "text": text_wanted or None,
    }
    conditions = ["project_id = :project", "agent_id > :after"]
    for name, condition in (
        ("statuses", "status = ANY(:statuses)"),
        ("livenesses", "liveness = ANY(:livenesses)"),
        ("role", "role = :role"),
        ("task", "task_id = :task"),
        ("text", "strpos(lower(coalesce(name, '') || ' ' || agent_id), lower(:text)) > 0"),
    ):
        if wanted[name] is not None:
            conditions.append(condition)
    found = connection.execute(
        text(
            f"SELECT {COLUMNS} FROM agents WHERE {' AND '.join(conditions)}"
            " ORDER BY agent_id LIMIT :limit"
        ),
        {**wanted, "project": project_id, "after": after, "limit": limit},
    )
    return [view(row) for row in found]


def find(connection: Connection, project_id: UUID, agent_id: str) -> AgentDetail | None:
    """One agent, with what it said of itself at hello."""
    row = connection.execute(
        text(
            f"SELECT {COLUMNS}, meta::text FROM agents"
            " WHERE project_id = :project AND agent_id = :agent"
        ),
        {"project": project_id, "agent": agent_id},
    ).first()
    if row is None:
        return None
    meta = None if row[-1] is None else msgspec.Raw(row[-1].encode())
    return AgentDetail(**msgspec.structs.asdict(view(row[:-1])), meta=meta)


def count(connection: Connection, project_id: UUID, *, among: Collection[str] = ()) -> int:
    """How many agents a project has; if ``among`` names any, how many of these."""
    counted = connection.execute(
        text(f"SELECT count(*) FROM agents WHERE project_id = :project AND {_AMONG}"),
        {"project": project_id, "among": list(among) or None},
    ).scalar_one()
    return int(counted)


def view(row: Sequence[Any]) -> AgentView:
    """An agent from a row of ``COLUMNS``."""
    return AgentView(
        agent_id=row[0],
        name=row[1],
        role=row[2],
        status=row[3],
        note=row[4],
        liveness=Liveness(row[5]),
        first_seen_at=row[6],
        last_seen_at=row[7],
        last_event_at=row[8],
        last_event_type=row[9],
        last_event_severity=row[10],
        task_id=row[11],
        events=row[12],
        cpu_pct=row[13],
        memory_bytes=row[14],
    )
