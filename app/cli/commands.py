"""The commands: prepare, check-settings, sign-in-link, keys, partitions, retention and more."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import Connection, Engine

from app.access.passwords import hash_password
from app.access.sessions import Sessions
from app.cache.caches import Caches
from app.cli import agents, keys, limits, projections, projects, users
from app.core import clock
from app.domain.access import Role
from app.settings import Settings
from app.storage import credentials, event_ranges, partitions, people

ROOT = Path(__file__).resolve().parents[2]


def register_commands(
    app: Flask, settings: Settings, engine: Engine, sessions: Sessions, caches: Caches
) -> None:
    """Add the commands to the app."""

    @app.cli.command("prepare")
    @click.option(
        "--sign-in", is_flag=True, help="Also print a one-use sign-in path for the admin."
    )
    def prepare(sign_in: bool) -> None:
        """Migrate, and make what a first start needs: project, admin, partitions.

        Safe to repeat. Prints one line of JSON: admin_email, and sign_in_path if asked for; what is
        printed may end in a log that others read.
        """
        migrate(engine)
        with engine.begin() as connection:
            bootstrap(connection, settings)
        event_ranges.maintain(engine, clock.now(), timedelta(days=settings.retention_days))
        with engine.connect() as connection:
            user = people.password_of(connection, settings.admin_email)
        answer = {"admin_email": settings.admin_email}
        if sign_in:
            answer["sign_in_path"] = f"/#ticket={sessions.ticket(user[0])}" if user else "/"
        click.echo(json.dumps(answer))

    @app.cli.command("check-settings")
    def check_settings() -> None:
        """Say whether the settings are good; a wrong one has been named by now."""
        click.echo("The settings are good.")

    @app.cli.command("sign-in-link")
    @click.option("--email", default=settings.admin_email, show_default=True)
    def sign_in_link(email: str) -> None:
        """Print the path of a one-use link that signs a user in, good for an hour."""
        with engine.connect() as connection:
            user = people.password_of(connection, email)
        if user is None:
            raise click.ClickException(f"There is no user {email}.")
        click.echo(f"/#ticket={sessions.ticket(user[0])}")

    app.cli.add_command(agents.create_group(engine))
    app.cli.add_command(keys.create_group(engine, caches))
    app.cli.add_command(users.create_group(engine, sessions))
    app.cli.add_command(projects.create_group(engine))
    app.cli.add_command(_partitions(engine))
    app.cli.add_command(_retention(engine, settings))
    app.cli.add_command(limits.create_group(engine, settings))
    app.cli.add_command(projections.create_group(engine))


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision, over this engine."""
    # Every web process has this module, and none of them needs Alembic for its start.
    from alembic import command
    from alembic.config import Config

    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def bootstrap(connection: Connection, settings: Settings) -> None:
    """Make the first project, the admin and its key, and the partitions."""
    count = partitions.create(connection, settings.partitions)
    if count != settings.partitions:
        raise click.ClickException(
            f"PARTITIONS is {settings.partitions}, but the data was laid out with {count};"
            f" it cannot change. Set PARTITIONS={count}."
        )
    project = people.first_project(connection) or people.create_project(connection, "default")
    if settings.admin_password:
        people.ensure_member(
            connection,
            project,
            settings.admin_email,
            hash_password(settings.admin_password),
            Role.ADMIN,
        )
    if settings.admin_key and not credentials.ensure(
        connection, project.project_id, "admin", Role.ADMIN, settings.admin_key
    ):
        raise click.ClickException(
            "ADMIN_KEY was revoked, or its id belongs to another key: set another one."
        )


def _partitions(engine: Engine) -> AppGroup:
    group = AppGroup("partitions", help="The partitions of the log.")

    @group.command("list")
    def listing() -> None:
        """Show each partition's head and books."""
        with engine.connect() as connection:
            for state in partitions.states(connection):
                click.echo(
                    f"{state.partition:>3}  head {state.head:>12}  stored {state.stored:>12}"
                    f"  duplicates {state.duplicates:>9}  dead {state.dead:>6}"
                )

    @group.command("new-epoch")
    @click.confirmation_option(prompt="Every dashboard will start from a snapshot. Go on?")
    def new_epoch() -> None:
        """After restoring PostgreSQL from a backup: void every cursor that was given out."""
        with engine.begin() as connection:
            click.echo(f"The epoch is {partitions.renew_epoch(connection)} now.")

    return group


def _retention(engine: Engine, settings: Settings) -> AppGroup:
    group = AppGroup("retention", help="How long events are kept.")

    @group.command("run")
    def run() -> None:
        """Make the coming weeks' tables and drop those older than RETENTION_DAYS, now."""
        made, dropped = event_ranges.maintain(
            engine, clock.now(), timedelta(days=settings.retention_days)
        )
        click.echo(f"Made {', '.join(made) or 'none'}; dropped {', '.join(dropped) or 'none'}.")

    return group
