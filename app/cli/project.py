"""The project that a command is about, its audit log, and what names there are like."""

from __future__ import annotations

from typing import Any, Final

import click
from sqlalchemy import Connection

from app.storage import audit, people

SUBJECT: Final = "command line"
MAX_NAME: Final = 200

PROJECT_OPTION = click.option("--project", default=None, help="The project; default the first.")


def chosen_project(connection: Connection, name: str | None) -> people.Project:
    """The project of this name, or the first one.

    Raises:
        ClickException: there is none.
    """
    found = (
        people.first_project(connection) if name is None else people.project_named(connection, name)
    )
    if found is None:
        raise click.ClickException("There is no such project.")
    return found


def checked_name(name: str) -> str:
    """The name of a project or a key, without blanks around it.

    Raises:
        BadParameter: it is empty, too long, or not one line.
    """
    name = name.strip()
    if not name.isprintable() or not 1 <= len(name) <= MAX_NAME:
        raise click.BadParameter(f"a name is one line of 1 to {MAX_NAME} characters.")
    return name


def record(
    connection: Connection,
    project: people.Project,
    action: str,
    resource: str,
    resource_id: str,
    detail: dict[str, Any],
    *,
    version: int | None = None,
) -> None:
    """Say in the project's audit log that it was done from the command line."""
    audit.record(
        connection,
        project.project_id,
        subject=SUBJECT,
        action=action,
        resource=resource,
        resource_id=resource_id,
        version=version,
        detail=detail,
    )
