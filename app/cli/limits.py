"""``flask limits``: how fast a project's agents, or one of them, may send."""

from __future__ import annotations

import math

import click
from flask.cli import AppGroup
from sqlalchemy import Engine

from app.cli.project import PROJECT_OPTION, chosen_project
from app.domain.rate_limit import (
    LEAST_EVENTS_PER_S,
    MOST_BURST,
    MOST_EVENTS_PER_S,
    NOTHING_OF_ITS_OWN,
    OwnLimit,
    RateLimit,
    effective,
)
from app.settings import Settings
from app.storage import rate_limits


def create_group(engine: Engine, settings: Settings) -> AppGroup:
    """``flask limits set|clear|show``."""
    group = AppGroup("limits", help="How fast a project's agents, or one of them, may send.")
    agent_option = click.option("--agent", default=None, help="One agent; default all of them.")
    default = RateLimit(settings.rate_limit_events_per_s, settings.rate_limit_burst)

    @group.command("set")
    @click.option(
        "--events-per-s",
        type=click.FloatRange(LEAST_EVENTS_PER_S, MOST_EVENTS_PER_S),
        help="Events that are let in each second, in the long run.",
    )
    @click.option(
        "--burst",
        type=click.IntRange(1, MOST_BURST),
        help="Events that may come at once after a quiet time: the size of the bucket.",
    )
    @PROJECT_OPTION
    @agent_option
    def set_(
        events_per_s: float | None, burst: int | None, project: str | None, agent: str | None
    ) -> None:
        r"""Set the limits of a project's agents, or of one agent, within five seconds everywhere.

        Each agent has a bucket of its own. What is not given here is left to whoever stands above:
        the agent's limit goes before its project's, and that before RATE_LIMIT_EVENTS_PER_S and
        RATE_LIMIT_BURST. Limits that were set before are replaced. An agent that is connected hears
        of it when it is too fast.

        \b
        flask --app wsgi limits set --events-per-s 50 --burst 200 --agent worker-7
        """
        if events_per_s is not None and math.isnan(events_per_s):
            raise click.BadParameter("it should be a number.", param_hint="--events-per-s")
        if events_per_s is None and burst is None:
            raise click.UsageError("Give --events-per-s, --burst or both; clear takes them away.")
        click.echo(_give(engine, default, project, agent, OwnLimit(events_per_s, burst)))

    @group.command("clear")
    @PROJECT_OPTION
    @agent_option
    def clear(project: str | None, agent: str | None) -> None:
        """Take away the limits that a project, or one agent, has of its own."""
        click.echo(_give(engine, default, project, agent, NOTHING_OF_ITS_OWN))

    @group.command("show")
    @PROJECT_OPTION
    @agent_option
    def show(project: str | None, agent: str | None) -> None:
        """Show the limits that hold in a project, and for its agents that have their own."""
        with engine.connect() as connection:
            found = chosen_project(connection, project)
            above = rate_limits.of_project(connection, found.project_id)
            agents = rate_limits.of_agents(connection, found.project_id)
        if agent is not None:
            agents = {agent: agents.get(agent, NOTHING_OF_ITS_OWN)}
        else:
            click.echo(f"{'(each agent)':<24}  {_words(effective(default, above))}")
        for name, own in agents.items():
            click.echo(f"{name:<24}  {_words(effective(default, above, own))}")

    return group


def _give(
    engine: Engine, default: RateLimit, project: str | None, agent: str | None, own: OwnLimit
) -> str:
    """Write down what a project or an agent is to have; returns what holds for it now."""
    with engine.begin() as connection:
        found = chosen_project(connection, project)
        above = rate_limits.of_project(connection, found.project_id) if agent else own
        wanted = effective(default, above, own)
        if own.burst is not None and wanted.burst != own.burst:
            raise click.ClickException(
                f"At {wanted.events_per_s:g} events/s the burst should be {wanted.burst} or"
                " more: the bucket holds what comes in ten milliseconds."
            )
        if agent is None:
            rate_limits.set_project(connection, found.project_id, own)
            return f"Each agent of {found.name} without limits of its own: {_words(wanted)}."
        if not rate_limits.set_agent(connection, found.project_id, agent, own):
            raise click.ClickException(
                f"There is no agent {agent} in {found.name}; it is known once it has sent"
                " something."
            )
        if rate_limits.agents_with_limits(connection) > rate_limits.MOST_AGENTS:
            raise click.ClickException(
                f"{rate_limits.MOST_AGENTS} agents have limits of their own already; set"
                " their project's instead."
            )
    return f"{agent} of {found.name}: {_words(wanted)}."


def _words(limit: RateLimit) -> str:
    return f"{limit.events_per_s:g} events/s, burst {limit.burst}"
