"""``flask projections``: are the rows what history makes of them?"""

from __future__ import annotations

import click
from flask.cli import AppGroup
from sqlalchemy import Engine

from app.domain.rebuilt import Difference
from app.storage import rebuild as storage

SHOWN = 20


def create_group(engine: Engine) -> AppGroup:
    """``flask projections rebuild``."""
    group = AppGroup("projections", help="Agents and tasks, as their events make them.")

    @group.command("rebuild")
    @click.option("--check", is_flag=True, help="Only compare: exit 1 if anything differs.")
    @click.option("--quiet", is_flag=True, help="No progress bar.")
    def rebuild(check: bool, quiet: bool) -> None:
        """Fold all events anew and mend the rows of agents and tasks that differ.

        Events may come in meanwhile: rows and history are compared as of one moment, and a row that
        has moved on since is left alone. With --check nothing is written.
        """
        total = storage.events_stored(engine)
        with click.progressbar(length=total, label="events", hidden=quiet) as bar:
            rebuilt = storage.rebuild(engine, bar.update)
        click.echo(f"{rebuilt.agents} agents and {rebuilt.tasks} tasks compared with history.")
        if rebuilt.without_beginning:
            click.echo(f"{rebuilt.without_beginning} began before what retention has kept.")
        for found in rebuilt.differences[:SHOWN]:
            click.echo(_line(found))
        if len(rebuilt.differences) > SHOWN:
            click.echo(f"… and {len(rebuilt.differences) - SHOWN} more.")
        if not rebuilt.differences:
            click.echo("No difference.")
        elif check:
            raise SystemExit(1)
        else:
            mended = storage.mend(engine, rebuilt.differences)
            click.echo(f"{mended} mended, {len(rebuilt.differences) - mended} moved on meanwhile.")

    return group


def _line(found: Difference) -> str:
    fields = ", ".join(
        f"{name} is {here!r}, should be {there!r}" for name, (here, there) in found.fields.items()
    )
    return f"{found.kind} {found.name} in project {found.project_id}: {fields}"
