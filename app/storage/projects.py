"""Projects as their people see them: shown, renamed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.domain.access import Role

_SHOWN: Final = "SELECT project_id, name, role, projects.version, projects.created_at"
_OF_USER: Final = (
    f"{_SHOWN} FROM memberships JOIN projects USING (project_id)"
    " WHERE user_id = CAST(:user AS uuid) AND disabled_at IS NULL"
)


class ProjectView(msgspec.Struct):
    """A project, and the role in it of whoever looks at it."""

    project_id: UUID
    name: str
    role: Role
    version: int
    created_at: datetime


def _project(row: Sequence[Any]) -> ProjectView:
    return ProjectView(row[0], row[1], Role(row[2]), row[3], row[4])


def of_user(
    connection: Connection, user_id: str, *, limit: int, after: tuple[datetime, UUID] | None = None
) -> list[ProjectView]:
    """The projects that somebody belongs to and can enter, oldest first, behind one if given."""
    beyond = "" if after is None else " AND (projects.created_at, project_id) > (:at, :project)"
    found = connection.execute(
        text(f"{_OF_USER}{beyond} ORDER BY projects.created_at, project_id LIMIT :limit"),
        {
            "user": user_id,
            "limit": limit,
            "at": after and after[0],
            "project": after and after[1],
        },
    )
    return [_project(row) for row in found]


def of_user_one(connection: Connection, user_id: str, project_id: UUID) -> ProjectView | None:
    """A project, if this user belongs to it and can enter."""
    row = connection.execute(
        text(f"{_OF_USER} AND project_id = :project"), {"user": user_id, "project": project_id}
    ).first()
    return None if row is None else _project(row)


def find(connection: Connection, project_id: UUID, role: Role) -> ProjectView:
    """A project that is there, for somebody who is known to have this role in it."""
    row = connection.execute(
        text(
            "SELECT project_id, name, :role, version, created_at FROM projects"
            " WHERE project_id = :project"
        ),
        {"project": project_id, "role": role.value},
    ).one()
    return _project(row)


def every(connection: Connection, limit: int) -> list[tuple[UUID, str, datetime, int]]:
    """All projects, oldest first: id, name, when it was made, how many people it has."""
    found = connection.execute(
        text(
            "SELECT project_id, name, projects.created_at, count(user_id) FROM projects"
            " LEFT JOIN memberships USING (project_id) GROUP BY project_id"
            " ORDER BY projects.created_at, project_id LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [(row[0], row[1], row[2], row[3]) for row in found]


def name_taken(connection: Connection, name: str) -> bool:
    """Whether a project has this name. Nobody else makes or renames one until the end."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('projects', 0))"))
    return bool(
        connection.execute(
            text("SELECT EXISTS (SELECT 1 FROM projects WHERE name = :name)"), {"name": name}
        ).scalar()
    )


def rename(connection: Connection, project_id: UUID, name: str) -> None:
    """Give a project another name; its version goes up."""
    connection.execute(
        text("UPDATE projects SET name = :name, version = version + 1 WHERE project_id = :project"),
        {"project": project_id, "name": name},
    )
