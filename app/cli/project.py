"""The project that a command is about."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from app.storage import people

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
