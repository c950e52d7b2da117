"""Changes of who belongs to a project, the same for REST and the command line.

Whoever changes holds the project first (``app.storage.members.hold``). Sessions are ended before
the commit: with Redis away nothing changes, and nobody stays inside who was to leave.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from app.access.sessions import Sessions
from app.core.errors import Conflict
from app.domain.access import Role
from app.domain.membership import leaves_nobody
from app.storage import members, people
from app.storage.members import ProjectMember


class LastAdmin(Conflict):
    """The project would have nobody left who may change it."""

    code, title = "last_admin", "A project keeps its last admin"


class BelongsElsewhere(Conflict):
    """The person has other projects too, and the password opens them all."""

    code, title = "belongs_elsewhere", "This person belongs to other projects too"


def alter(
    connection: Connection,
    sessions: Sessions,
    project_id: UUID,
    member: ProjectMember,
    *,
    role: Role,
    disabled: bool,
) -> None:
    """Give a person a role, shut the door or open it.

    Raises:
        LastAdmin: nobody else could come in as an admin.
        RedisError: the sessions cannot be ended now.
    """
    governs = role is Role.ADMIN and not disabled
    _keep_an_admin(connection, project_id, member, governs=governs)
    members.change(connection, project_id, member.user_id, role=role, disabled=disabled)
    if disabled:
        sessions.end_of(member.user_id, project_id=project_id)


def dismiss(
    connection: Connection, sessions: Sessions, project_id: UUID, member: ProjectMember
) -> None:
    """Let a person no longer belong to the project.

    Raises:
        As ``alter``.
    """
    _keep_an_admin(connection, project_id, member, governs=False)
    members.remove(connection, project_id, member.user_id)
    sessions.end_of(member.user_id, project_id=project_id)


def set_password(
    connection: Connection,
    sessions: Sessions,
    project_id: UUID,
    member: ProjectMember,
    password_hash: str,
    *,
    but: str | None = None,
) -> None:
    """Give a person of this project alone another password; the sessions end, ``but`` one.

    Raises:
        BelongsElsewhere: it would let an admin of one project into the others.
        RedisError: the sessions cannot be ended now.
    """
    if members.belongs_elsewhere(connection, project_id, member.user_id):
        raise BelongsElsewhere("The password opens those as well: only its owner may change it.")
    replace_password(connection, sessions, member, password_hash, but=but)


def replace_password(
    connection: Connection,
    sessions: Sessions,
    member: ProjectMember,
    password_hash: str,
    *,
    but: str | None = None,
) -> None:
    """Give a person another password, whatever it opens; the sessions end, ``but`` one.

    Raises:
        RedisError: the sessions cannot be ended now.
    """
    people.set_password(connection, member.user_id, password_hash)
    sessions.end_of(member.user_id, but=but)


def _keep_an_admin(
    connection: Connection, project_id: UUID, member: ProjectMember, *, governs: bool
) -> None:
    governors = members.governors(connection, project_id)
    if leaves_nobody(governed=member.governs, governs=governs, governors=governors):
        raise LastAdmin("Make somebody else an admin first.")
