"""``flask agents``: forget those that are gone for good."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import AppGroup
from sqlalchemy import Engine

from app.core import clock
from app.storage import pruning


def create_group(engine: Engine) -> AppGroup:
    """``flask agents forget``."""
    group = AppGroup("agents", help="The agents of all projects.")

    @group.command("forget")
    @click.option(
        "--days",
        type=click.IntRange(1, 36_500),
        required=True,
        help="Days without a sign of life.",
    )
    @click.option("--dry-run", is_flag=True, help="Only name those that would go.")
    def forget(days: int, dry_run: bool) -> None:
        """Forget agents that are gone so long, with their configurations and ended commands.

        Agents of which history still holds an event stay, and those with an open task or command.
        At most 1,000 in a call. One that comes back is a new agent.
        """
        before = clock.now() - timedelta(days=days)
        if dry_run:
            with engine.connect() as connection:
                gone = pruning.gone_agents(connection, before)
            for project_id, agent_id in gone:
                click.echo(f"{project_id}  {agent_id}")
            click.echo(f"{len(gone)} would go.")
            return
        with engine.begin() as connection:
            click.echo(f"{pruning.agents(connection, before)} forgotten.")

    return group
