"""The people of a project: who belongs to it, in which role, and whether the door is shut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.core.identifiers import uuid7
from app.domain.access import Role

_SHOWN: Final = (
    "SELECT user_id, email, role, disabled_at IS NOT NULL, version, memberships.created_at"
    " FROM memberships JOIN users USING (user_id)"
)


class ProjectMember(msgspec.Struct):
    """A person in a project. ``version`` counts the changes of it there."""

    user_id: UUID
    email: str
    role: Role
    disabled: bool
    version: int
    created_at: datetime

    @property
    def governs(self) -> bool:
        """Whether this is an admin who can come in."""
        return self.role is Role.ADMIN and not self.disabled


def _member(row: Sequence[Any]) -> ProjectMember:
    return ProjectMember(row[0], row[1], Role(row[2]), row[3], row[4], row[5])


def page(
    connection: Connection, project_id: UUID, *, limit: int, after: str = ""
) -> list[ProjectMember]:
    """A project's people by e-mail, behind one if it is given."""
    found = connection.execute(
        text(
            f"{_SHOWN} WHERE project_id = :project AND email > :after ORDER BY email LIMIT :limit"
        ),
        {"project": project_id, "after": after, "limit": limit},
    )
    return [_member(row) for row in found]


def find(connection: Connection, project_id: UUID, user_id: UUID) -> ProjectMember | None:
    """One person of a project."""
    row = connection.execute(
        text(f"{_SHOWN} WHERE project_id = :project AND user_id = :user"),
        {"project": project_id, "user": user_id},
    ).first()
    return None if row is None else _member(row)


def find_by_email(connection: Connection, project_id: UUID, email: str) -> ProjectMember | None:
    """One person of a project, by e-mail in small letters."""
    row = connection.execute(
        text(f"{_SHOWN} WHERE project_id = :project AND email = :email"),
        {"project": project_id, "email": email},
    ).first()
    return None if row is None else _member(row)


def hold(connection: Connection, project_id: UUID) -> None:
    """Let nobody else change who belongs to this project until the transaction ends."""
    connection.execute(
        text("SELECT 1 FROM projects WHERE project_id = :project FOR NO KEY UPDATE"),
        {"project": project_id},
    )


def count(connection: Connection, project_id: UUID) -> int:
    """How many people a project has."""
    return int(
        connection.execute(
            text("SELECT count(*) FROM memberships WHERE project_id = :project"),
            {"project": project_id},
        ).scalar_one()
    )


def governors(connection: Connection, project_id: UUID) -> int:
    """How many admins of a project can come in."""
    return int(
        connection.execute(
            text(
                "SELECT count(*) FROM memberships WHERE project_id = :project"
                " AND role = 'admin' AND disabled_at IS NULL"
            ),
            {"project": project_id},
        ).scalar_one()
    )


def ensure_user(
    connection: Connection, email: str, password_hash: str | None
) -> tuple[UUID, bool] | None:
    """The user with this e-mail, locked, and whether it was made now, with this password.

    None if the user was there, and went away while we looked.
    """
    made = connection.execute(
        text(
            "INSERT INTO users (user_id, email, password_hash) VALUES (:user, :email, :hash)"
            " ON CONFLICT (email) DO NOTHING RETURNING user_id"
        ),
        {"user": uuid7(), "email": email, "hash": password_hash},
    ).scalar()
    if made is not None:
        return made, True
    known = connection.execute(
        text("SELECT user_id FROM users WHERE email = :email FOR UPDATE"), {"email": email}
    ).scalar()
    return None if known is None else (known, False)


def add(connection: Connection, project_id: UUID, user_id: UUID, role: Role) -> bool:
    """Make a user belong to a project; False if that is so already."""
    return bool(
        connection.execute(
            text(
                "INSERT INTO memberships (user_id, project_id, role)"
                " VALUES (:user, :project, :role) ON CONFLICT DO NOTHING"
            ),
            {"user": user_id, "project": project_id, "role": role.value},
        ).rowcount
    )


def change(
    connection: Connection, project_id: UUID, user_id: UUID, *, role: Role, disabled: bool
) -> None:
    """Give a person of a project a role, shut the door or open it; the version goes up."""
    connection.execute(
        text(
            "UPDATE memberships SET role = :role, version = version + 1, disabled_at ="
            " CASE WHEN :disabled THEN coalesce(disabled_at, now()) END"
            " WHERE project_id = :project AND user_id = :user"
        ),
        {"project": project_id, "user": user_id, "role": role.value, "disabled": disabled},
    )


def belongs_elsewhere(connection: Connection, project_id: UUID, user_id: UUID) -> bool:
    """Whether a user belongs to another project too. The user is locked, so that it stays so."""
    connection.execute(
        text("SELECT 1 FROM users WHERE user_id = :user FOR UPDATE"), {"user": user_id}
    )
    return bool(
        connection.execute(
            text(
                "SELECT EXISTS (SELECT 1 FROM memberships"
                " WHERE user_id = :user AND project_id <> :project)"
            ),
            {"project": project_id, "user": user_id},
        ).scalar()
    )


def remove(connection: Connection, project_id: UUID, user_id: UUID) -> None:
    """Let a person no longer belong to a project; whoever belongs to none is forgotten."""
    elsewhere = belongs_elsewhere(connection, project_id, user_id)
    connection.execute(
        text("DELETE FROM memberships WHERE project_id = :project AND user_id = :user"),
        {"project": project_id, "user": user_id},
    )
    if not elsewhere:
        connection.execute(text("DELETE FROM users WHERE user_id = :user"), {"user": user_id})


def roles(
    connection: Connection, wanted: Iterable[tuple[str, UUID]]
) -> dict[tuple[str, UUID], Role]:
    """The roles of users in projects; who does not belong, or finds the door shut, is not in it."""
    names = list(wanted)
    found = connection.execute(
        text(
            "SELECT user_id::text, project_id, role FROM memberships"
            " WHERE disabled_at IS NULL AND (user_id, project_id) IN"
            " (SELECT * FROM unnest(CAST(:users AS uuid[]), CAST(:projects AS uuid[])))"
        ),
        {
            "users": [user_id for user_id, _ in names],
            "projects": [project_id for _, project_id in names],
        },
    )
    return {(row[0], row[1]): Role(row[2]) for row in found}
