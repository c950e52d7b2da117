"""Agents' configurations and their history. A trigger makes versions, history and the event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.domain.configuration import Configuration

_COLUMNS: Final = "version, value::text, changed_at, changed_by, lost::text"


def find(
    connection: Connection, project_id: UUID, agent_id: str, *, for_update: bool = False
) -> Configuration | None:
    """An agent's configuration; with ``for_update`` nobody else changes it meanwhile."""
    lock = " FOR UPDATE" if for_update else ""
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM agent_configs"
            f" WHERE project_id = :project AND agent_id = :agent{lock}"
        ),
        {"project": project_id, "agent": agent_id},
    ).first()
    return None if row is None else _configuration(row)


def at_version(
    connection: Connection, project_id: UUID, agent_id: str, version: int
) -> Configuration | None:
    """A configuration as it was at a version."""
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM agent_config_history"
            " WHERE project_id = :project AND agent_id = :agent AND version = :version"
        ),
        {"project": project_id, "agent": agent_id, "version": version},
    ).first()
    return None if row is None else _configuration(row)


def history(
    connection: Connection, project_id: UUID, agent_id: str, *, limit: int, before: int | None
) -> list[Configuration]:
    """Versions, newest first, those before one if it is given. Their values are null."""
    found = connection.execute(
        text(
            "SELECT version, 'null', changed_at, changed_by, lost::text FROM agent_config_history"
            " WHERE project_id = :project AND agent_id = :agent"
            " AND (CAST(:before AS bigint) IS NULL OR version < :before)"
            " ORDER BY version DESC LIMIT :limit"
        ),
        {"project": project_id, "agent": agent_id, "before": before, "limit": limit},
    )
    return [_configuration(row) for row in found]


def begin(
    connection: Connection, project_id: UUID, agent_id: str, value: bytes, subject: str
) -> Configuration | None:
    """An agent's first configuration; None if somebody else has just made one."""
    _name_writer(connection, subject, None)
    row = connection.execute(
        text(
            "INSERT INTO agent_configs (project_id, agent_id, value)"
            " VALUES (:project, :agent, :value) ON CONFLICT DO NOTHING"
            f" RETURNING {_COLUMNS}"
        ),
        {"project": project_id, "agent": agent_id, "value": value.decode()},
    ).first()
    return None if row is None else _configuration(row)


def replace(
    connection: Connection,
    project_id: UUID,
    agent_id: str,
    value: bytes,
    subject: str,
    lost: bytes | None = None,
) -> Configuration:
    """Change a configuration that was read ``for_update``; ``lost`` goes into its history."""
    _name_writer(connection, subject, lost)
    row = connection.execute(
        text(
            "UPDATE agent_configs SET value = :value"
            f" WHERE project_id = :project AND agent_id = :agent RETURNING {_COLUMNS}"
        ),
        {"project": project_id, "agent": agent_id, "value": value.decode()},
    ).one()
    return _configuration(row)


def current(
    connection: Connection, wanted: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Configuration]:
    """The configurations of many agents at once, of those that have one."""
    found = connection.execute(
        text(
            f"SELECT project_id, agent_id, {_COLUMNS} FROM agent_configs"
            " WHERE (project_id, agent_id) IN"
            " (SELECT * FROM unnest(CAST(:projects AS uuid[]), CAST(:agents AS text[])))"
        ),
        {"projects": [p for p, _ in wanted], "agents": [a for _, a in wanted]},
    )
    return {(row[0], row[1]): _configuration(row[2:]) for row in found}


def _name_writer(connection: Connection, subject: str, lost: bytes | None) -> None:
    """Tell the trigger who writes, until the transaction ends."""
    connection.execute(
        text(
            "SELECT set_config('telltale.subject', :subject, true),"
            " set_config('telltale.lost', :lost, true)"
        ),
        {"subject": subject, "lost": "" if lost is None else lost.decode()},
    )


def _configuration(row: Sequence[Any]) -> Configuration:
    return Configuration(
        version=row[0],
        value=msgspec.Raw(row[1].encode()),
        changed_at=row[2],
        changed_by=row[3],
        lost=None if row[4] is None else msgspec.Raw(row[4].encode()),
    )
