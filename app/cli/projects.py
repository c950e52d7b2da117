"""``flask projects``: list, create, rename."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup
from sqlalchemy import Engine

from app.cli.project import checked_name, chosen_project, record
from app.storage import people, projects

LISTED: Final = 10_000


def create_group(engine: Engine) -> AppGroup:
    """``flask projects list|create|rename``."""
    group = AppGroup("projects", help="The walls between fleets: list, create, rename.")

    @group.command("list")
    def listing() -> None:
        """List all projects, oldest first: id, since when, how many people, name."""
        with engine.connect() as connection:
            found = projects.every(connection, LISTED)
        for project_id, name, created_at, count in found:
            click.echo(f"{project_id}  {created_at:%Y-%m-%d %H:%M}  {count:>5}  {name}")

    @group.command("create")
    @click.argument("name")
    def create(name: str) -> None:
        """Make a project. Nobody belongs to it yet: go on with users create, or keys create."""
        name = checked_name(name)
        with engine.begin() as connection:
            if projects.name_taken(connection, name):
                raise click.ClickException(f"There is a project {name} already.")
            project = people.create_project(connection, name)
            project_id = str(project.project_id)
            record(connection, project, "created", "project", project_id, {"name": name})
        click.echo(f"{project_id}  {name}")

    @group.command("rename")
    @click.argument("name")
    @click.argument("new_name")
    def rename(name: str, new_name: str) -> None:
        """Give a project another name. Keys, sessions and history stay as they are."""
        new_name = checked_name(new_name)
        with engine.begin() as connection:
            taken = projects.name_taken(connection, new_name)
            project = chosen_project(connection, name)
            if taken:
                raise click.ClickException(f"There is a project {new_name} already.")
            projects.rename(connection, project.project_id, new_name)
            project_id = str(project.project_id)
            record(connection, project, "renamed", "project", project_id, {"name": new_name})
        click.echo(f"{name} is called {new_name} now.")

    return group
