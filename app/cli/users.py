"""``flask users``: who belongs to a project, in which role, with which password."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import click
from flask.cli import AppGroup
from sqlalchemy import Connection, Engine

from app.access import membership
from app.access.passwords import hash_password
from app.access.sessions import Sessions
from app.cli.keys import ROLES
from app.cli.project import PROJECT_OPTION, chosen_project, record
from app.core.errors import Problem
from app.domain.access import Role
from app.schemas.access import MIN_PASSWORD
from app.storage import members
from app.storage.members import ProjectMember
from app.storage.people import Project

LISTED: Final = 10_000
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_PASSWORD_OPTION: Final = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input, up to the first line's end.",
)


def create_group(engine: Engine, sessions: Sessions) -> AppGroup:  # noqa: C901
    """``flask users list|create|set-password|set-role|disable|enable|remove``."""
    group = AppGroup("users", help="Who belongs to a project, in which role.")

    @group.command("list")
    @PROJECT_OPTION
    def listing(project: str | None) -> None:
        """List the people of a project, by e-mail: role, since when, whether the door is shut."""
        with engine.connect() as connection:
            found = chosen_project(connection, project)
            people = members.page(connection, found.project_id, limit=LISTED)
        for member in people:
            state = "disabled" if member.disabled else "active"
            click.echo(
                f"{member.role.value:<8}  {state:<8}  {member.created_at:%Y-%m-%d %H:%M}"
                f"  {member.email}"
            )

    @group.command("create")
    @click.argument("email")
    @click.option("--role", type=ROLES, default=Role.VIEWER.value, show_default=True)
    @_PASSWORD_OPTION
    @PROJECT_OPTION
    def create(email: str, role: str, password_stdin: bool, project: str | None) -> None:
        """Let somebody into a project.

        Without a password, somebody new gets a one-use link that is good for an hour; its path is
        printed. Somebody who is known from another project signs in as there.
        """
        email = _checked_email(email)
        password_hash = hash_password(_read_password()) if password_stdin else None
        with engine.begin() as connection:
            found = chosen_project(connection, project)
            members.hold(connection, found.project_id)
            if members.find_by_email(connection, found.project_id, email):
                _refuse(f"{email} belongs to {found.name} already.")
            user = members.ensure_user(connection, email, password_hash)
            if user is None:
                _refuse(f"{email} was forgotten just now. Try again.")
            user_id, made = user
            if password_hash is not None and not made:
                _refuse(f"{email} has a password already. Leave --password-stdin out.")
            members.add(connection, found.project_id, user_id, Role(role))
            detail = {"email": email, "role": role}
            record(connection, found, "added", "user", str(user_id), detail)
            ticket = sessions.ticket(user_id) if made and password_hash is None else None
        click.echo(f"{email} is {role} in {found.name}.")
        if ticket:
            click.echo(f"Sign in once, within the hour: /#ticket={ticket}")

    @group.command("set-password")
    @click.argument("email")
    @_PASSWORD_OPTION
    @PROJECT_OPTION
    def set_password(email: str, password_stdin: bool, project: str | None) -> None:
        """Give somebody another password, and end all sessions of theirs.

        The password is asked for, or read from standard input; it is never a word of the command,
        which others on this machine could see. It opens all projects of this person.
        """
        password = _read_password() if password_stdin else _asked_password()
        with engine.begin() as connection:
            found, member = _member(connection, project, email)
            membership.replace_password(connection, sessions, member, hash_password(password))
            _alter(connection, found, member, {"password": "set"})
        click.echo(f"{member.email} has another password; all sessions have ended.")

    @group.command("set-role")
    @click.argument("email")
    @click.argument("role", type=ROLES)
    @PROJECT_OPTION
    def set_role(email: str, role: str, project: str | None) -> None:
        """Give somebody another role, within five seconds everywhere."""
        with engine.begin() as connection:
            found, member = _member(connection, project, email)
            _alter(connection, found, member, {"role": role}, role=Role(role))
        click.echo(f"{member.email} is {role} in {found.name}.")

    @group.command("disable")
    @click.argument("email")
    @PROJECT_OPTION
    def disable(email: str, project: str | None) -> None:
        """Shut the door of a project to somebody, and end the sessions there. enable opens it."""
        with engine.begin() as connection:
            found, member = _member(connection, project, email)
            _alter(connection, found, member, {"disabled": True}, disabled=True)
        click.echo(f"{member.email} cannot come into {found.name} any more.")

    @group.command("enable")
    @click.argument("email")
    @PROJECT_OPTION
    def enable(email: str, project: str | None) -> None:
        """Open the door of a project to somebody again."""
        with engine.begin() as connection:
            found, member = _member(connection, project, email)
            _alter(connection, found, member, {"disabled": False}, disabled=False)
        click.echo(f"{member.email} can come into {found.name} again.")

    @group.command("remove")
    @click.argument("email")
    @PROJECT_OPTION
    @click.confirmation_option(prompt="This person will no longer belong to the project. Go on?")
    def remove(email: str, project: str | None) -> None:
        """Let somebody no longer belong to a project, and end the sessions there.

        Whoever belongs to no project then is forgotten, with the password.
        """
        with engine.begin() as connection:
            found, member = _member(connection, project, email)
            with _worded():
                membership.dismiss(connection, sessions, found.project_id, member)
            detail = {"email": member.email}
            record(connection, found, "removed", "user", str(member.user_id), detail)
        click.echo(f"{member.email} belongs to {found.name} no more.")

    def _alter(
        connection: Connection,
        project: Project,
        member: ProjectMember,
        detail: dict[str, Any],
        *,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> None:
        with _worded():
            membership.alter(
                connection,
                sessions,
                project.project_id,
                member,
                role=role or member.role,
                disabled=member.disabled if disabled is None else disabled,
            )
        detail = {"email": member.email, **detail}
        record(
            connection,
            project,
            "changed",
            "user",
            str(member.user_id),
            detail,
            version=member.version + 1,
        )

    return group


def _member(
    connection: Connection, project: str | None, email: str
) -> tuple[Project, ProjectMember]:
    """A person of a project whom nobody else changes meanwhile."""
    found = chosen_project(connection, project)
    members.hold(connection, found.project_id)
    member = members.find_by_email(connection, found.project_id, email.strip().lower())
    if member is None:
        _refuse(f"{email} does not belong to {found.name}.")
    return found, member


def _checked_email(email: str) -> str:
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > 320:
        raise click.BadParameter("it should be an e-mail address.", param_hint="EMAIL")
    return email


def _read_password() -> str:
    return _checked_password(sys.stdin.readline().rstrip("\n"))


def _asked_password() -> str:
    prompt = "The new password"
    return _checked_password(click.prompt(prompt, hide_input=True, confirmation_prompt=True))


def _checked_password(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= 1000:
        _refuse(f"A password has {MIN_PASSWORD} to 1000 characters.")
    return password


@contextmanager
def _worded() -> Iterator[None]:
    """Say what cannot be in a sentence."""
    try:
        yield
    except Problem as problem:
        _refuse(f"{problem.title}. {problem.detail}")


def _refuse(sentence: str) -> NoReturn:
    raise click.ClickException(sentence)
