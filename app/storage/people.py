"""Projects, users, and who may do what where."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, insert, select, update

from app.core.identifiers import uuid7
from app.domain.access import Role
from app.storage.tables import memberships, projects, users


@dataclass(frozen=True, slots=True)
class Project:
    """A wall: nothing of one project is seen from another."""

    project_id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a project."""

    user_id: UUID
    email: str
    role: Role
    project: Project


def first_project(connection: Connection) -> Project | None:
    """The oldest project, which a fresh installation has one of."""
    row = connection.execute(
        select(projects.c.project_id, projects.c.name)
        .order_by(projects.c.created_at, projects.c.project_id)
        .limit(1)
    ).first()
    return None if row is None else Project(*row)


def project_named(connection: Connection, name: str) -> Project | None:
    """The project with this name."""
    row = connection.execute(
        select(projects.c.project_id, projects.c.name).where(projects.c.name == name)
    ).first()
    return None if row is None else Project(*row)


def create_project(connection: Connection, name: str) -> Project:
    """Make a project."""
    project = Project(uuid7(), name)
    connection.execute(insert(projects).values(project_id=project.project_id, name=name))
    return project


def ensure_member(
    connection: Connection, project: Project, email: str, password_hash: str, role: Role
) -> UUID:
    """Make sure that a user exists with this password. Only somebody new gets the role, too."""
    user_id = connection.execute(select(users.c.user_id).where(users.c.email == email)).scalar()
    if user_id is None:
        user_id = uuid7()
        connection.execute(
            insert(users).values(user_id=user_id, email=email, password_hash=password_hash)
        )
        connection.execute(
            insert(memberships).values(
                user_id=user_id, project_id=project.project_id, role=role.value
            )
        )
    else:
        set_password(connection, user_id, password_hash)
    return user_id


def password_of(
    connection: Connection, email: str, *, for_update: bool = False
) -> tuple[UUID, str | None] | None:
    """A user's id and password hash; None in its place for who has no password yet."""
    wanted = select(users.c.user_id, users.c.password_hash).where(users.c.email == email)
    row = connection.execute(wanted.with_for_update() if for_update else wanted).first()
    return None if row is None else (row[0], row[1])


def set_password(connection: Connection, user_id: UUID, password_hash: str) -> None:
    """Give a user another password."""
    connection.execute(
        update(users).where(users.c.user_id == user_id).values(password_hash=password_hash)
    )


def membership(
    connection: Connection, user_id: UUID, project_id: UUID | None = None
) -> Member | None:
    """A user in a project, by default the one that was joined first and has its door open."""
    wanted = [users.c.user_id == user_id, memberships.c.disabled_at.is_(None)]
    if project_id is not None:
        wanted.append(projects.c.project_id == project_id)
    row = connection.execute(
        select(users.c.email, memberships.c.role, projects.c.project_id, projects.c.name)
        .join(memberships, memberships.c.user_id == users.c.user_id)
        .join(projects, projects.c.project_id == memberships.c.project_id)
        .where(*wanted)
        .order_by(memberships.c.created_at, projects.c.project_id)
        .limit(1)
    ).first()
    if row is None:
        return None
    return Member(user_id, row[0], Role(row[1]), Project(row[2], row[3]))
