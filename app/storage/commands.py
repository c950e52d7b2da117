"""Commands: their rows, for REST one at a time, for the gateway and the clock many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.domain.command import PENDING, Command, CommandState

_NAMES: Final = (
    *("command_id", "agent_id", "name", "args", "state", "created_by", "created_at"),
    *("deadline_at", "delivered_at", "deliveries", "incarnation", "received_at", "finished_at"),
    "detail",
)
_COLUMNS: Final = ", ".join(f"{name}::text" if name == "args" else name for name in _NAMES)
_PENDING: Final = sorted(state.value for state in PENDING)

PRUNED_AT_ONCE: Final = 10_000
PENDING_AT_ONCE: Final = 100
"""Commands of one agent that are sent to it at once."""


def create(connection: Connection, project_id: UUID, command: Command) -> None:
    """Write a new command."""
    connection.execute(
        text(
            "INSERT INTO commands"
            " (project_id, command_id, agent_id, name, args, created_by, created_at, deadline_at)"
            " VALUES (:project, :command_id, :agent_id, :name, :args, :created_by, :created_at,"
            " :deadline_at)"
        ),
        {
            **msgspec.structs.asdict(command),
            "project": project_id,
            "args": bytes(command.args).decode(),
        },
    )


def find(
    connection: Connection, project_id: UUID, agent_id: str, command_id: UUID
) -> Command | None:
    """A command of an agent."""
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM commands WHERE project_id = :project"
            " AND command_id = :command AND agent_id = :agent"
        ),
        {"project": project_id, "command": command_id, "agent": agent_id},
    ).first()
    return None if row is None else _command(row)


def page(
    connection: Connection,
    project_id: UUID,
    agent_id: str,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
    states: Sequence[str],
) -> list[Command]:
    """Commands of an agent, newest first, before a place if one is given."""
    place = "AND (created_at, command_id) < (:at, :command)" if before else ""
    found = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM commands WHERE project_id = :project AND agent_id = :agent"
            " AND (CAST(:states AS text[]) IS NULL OR state = ANY(CAST(:states AS text[])))"
            f" {place} ORDER BY created_at DESC, command_id DESC LIMIT :limit"
        ),
        {
            "project": project_id,
            "agent": agent_id,
            "states": list(states) or None,
            "limit": limit,
            **({"at": before[0], "command": before[1]} if before else {}),
        },
    )
    return [_command(row) for row in found]


def count_open(connection: Connection, project_id: UUID, agent_id: str, most: int) -> int:
    """How many commands of an agent are not finished, counting to ``most``."""
    return int(
        connection.execute(
            text(
                "SELECT count(*) FROM (SELECT FROM commands WHERE project_id = :project"
                " AND agent_id = :agent AND finished_at IS NULL LIMIT :most) AS open"
            ),
            {"project": project_id, "agent": agent_id, "most": most},
        ).scalar_one()
    )


def pending(
    connection: Connection, agents: Sequence[tuple[UUID, str]]
) -> list[tuple[UUID, Command]]:
    """What these agents have not acknowledged yet, oldest first, at most 100 for each agent."""
    found = connection.execute(
        text(
            f"SELECT wanted.project, {_prefixed('open')} FROM"
            " unnest(CAST(:projects AS uuid[]), CAST(:agents AS text[])) AS wanted (project, agent)"
            " CROSS JOIN LATERAL (SELECT * FROM commands WHERE project_id = wanted.project"
            " AND agent_id = wanted.agent AND finished_at IS NULL AND state = ANY(:states)"
            " AND deadline_at > now() ORDER BY created_at, command_id LIMIT :most) AS open"
            " ORDER BY created_at, command_id"
        ),
        {
            "projects": [project for project, _ in agents],
            "agents": [agent_id for _, agent_id in agents],
            "states": _PENDING,
            "most": PENDING_AT_ONCE,
        },
    )
    return [(row[0], _command(row[1:])) for row in found]


def outlived(
    connection: Connection, agents: Iterable[tuple[UUID, str, int]]
) -> list[tuple[UUID, str, UUID]]:
    """The (project, agent, command) that an earlier life of these agents had, and never ended.

    ``agents`` come with their incarnation.
    """
    lives = [{"project": p, "agent": a, "life": life} for p, a, life in agents]
    found = connection.execute(
        text(
            "SELECT project_id, agent_id, command_id FROM commands"
            " JOIN json_to_recordset(CAST(:lives AS json))"
            " AS lives (project uuid, agent text, life bigint)"
            " ON project_id = project AND agent_id = agent"
            " WHERE finished_at IS NULL AND state = :received AND incarnation < life"
        ),
        {"lives": msgspec.json.encode(lives).decode(), "received": CommandState.RECEIVED},
    )
    return [(row[0], row[1], row[2]) for row in found]


def lock_all(
    connection: Connection, wanted: Iterable[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], Command]:
    """Those of these (project, command) that are not finished, locked, always in order."""
    names = sorted(set(wanted))
    found = connection.execute(
        text(
            f"SELECT project_id, {_COLUMNS} FROM commands WHERE finished_at IS NULL"
            " AND (project_id, command_id) IN"
            " (SELECT * FROM unnest(CAST(:projects AS uuid[]), CAST(:commands AS uuid[])))"
            " ORDER BY project_id, command_id FOR UPDATE"
        ),
        {"projects": [p for p, _ in names], "commands": [c for _, c in names]},
    )
    return {(row[0], row[1]): _command(row[1:]) for row in found}


def overdue(connection: Connection, limit: int) -> list[tuple[UUID, Command]]:
    """Unfinished commands whose deadline has passed, locked; those others are at are left out."""
    found = connection.execute(
        text(
            f"SELECT project_id, {_COLUMNS} FROM commands WHERE deadline_at < now()"
            " AND finished_at IS NULL ORDER BY deadline_at LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"limit": limit},
    )
    return [(row[0], _command(row[1:])) for row in found]


def save_all(connection: Connection, changed: Iterable[tuple[UUID, Command]]) -> None:
    """Write where commands stand now."""
    rows = [
        {
            "project_id": project_id,
            "command_id": command.command_id,
            "state": command.state,
            "delivered_at": command.delivered_at,
            "deliveries": command.deliveries,
            "incarnation": command.incarnation,
            "received_at": command.received_at,
            "finished_at": command.finished_at,
            "detail": command.detail,
        }
        for project_id, command in changed
    ]
    if rows:
        connection.execute(
            text(
                "UPDATE commands SET state = new.state, delivered_at = new.delivered_at,"
                " deliveries = new.deliveries, incarnation = new.incarnation,"
                " received_at = new.received_at, finished_at = new.finished_at, detail = new.detail"
                " FROM json_to_recordset(CAST(:rows AS json)) AS new (project_id uuid,"
                " command_id uuid, state text, delivered_at timestamptz, deliveries integer,"
                " incarnation bigint, received_at timestamptz, finished_at timestamptz,"
                " detail text)"
                " WHERE commands.project_id = new.project_id"
                " AND commands.command_id = new.command_id"
            ),
            {"rows": msgspec.json.encode(rows).decode()},
        )


def prune(connection: Connection, older_than: datetime) -> int:
    """Forget commands that ended so long ago; how many, at most ``PRUNED_AT_ONCE``."""
    return connection.execute(
        text(
            "DELETE FROM commands USING (SELECT project_id, command_id FROM commands"
            " WHERE finished_at < :before ORDER BY finished_at LIMIT :most) AS old"
            " WHERE commands.project_id = old.project_id"
            " AND commands.command_id = old.command_id"
        ),
        {"before": older_than, "most": PRUNED_AT_ONCE},
    ).rowcount


def _prefixed(table: str) -> str:
    return ", ".join(f"{table}.{column.strip()}" for column in _COLUMNS.split(","))


def _command(row: Sequence[Any]) -> Command:
    values = dict(zip(_NAMES, row, strict=True))
    values["args"] = msgspec.Raw(values["args"].encode())
    values["state"] = CommandState(values["state"])
    return Command(**values)
