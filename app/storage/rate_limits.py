"""The limits that projects and agents have of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

from app.domain.partition import agent_key
from app.domain.rate_limit import NOTHING_OF_ITS_OWN, OwnLimit

MOST_AGENTS: Final = 10_000
"""Agents with limits of their own, in all projects: every web process keeps them in memory."""


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """By project id, and by agent key."""

    projects: dict[str, OwnLimit]
    agents: dict[str, OwnLimit]


def everybodys(connection: Connection) -> OwnLimits:
    """All limits that somebody has of their own, in one query."""
    found = connection.execute(
        text(
            "SELECT project_id, NULL AS agent_id, rate_limit_events_per_s, rate_limit_burst"
            " FROM projects"
            " WHERE rate_limit_events_per_s IS NOT NULL OR rate_limit_burst IS NOT NULL"
            " UNION ALL"
            " (SELECT project_id, agent_id, rate_limit_events_per_s, rate_limit_burst FROM agents"
            " WHERE rate_limit_events_per_s IS NOT NULL OR rate_limit_burst IS NOT NULL"
            " ORDER BY project_id, agent_id LIMIT :most)"
        ),
        {"most": MOST_AGENTS},
    )
    limits = OwnLimits({}, {})
    for project_id, agent_id, events_per_s, burst in found:
        own = OwnLimit(events_per_s, burst)
        if agent_id is None:
            limits.projects[str(project_id)] = own
        else:
            limits.agents[agent_key(str(project_id), agent_id)] = own
    return limits


def of_project(connection: Connection, project_id: UUID) -> OwnLimit:
    """What a project has of its own."""
    row = connection.execute(
        text(
            "SELECT rate_limit_events_per_s, rate_limit_burst FROM projects"
            " WHERE project_id = :project"
        ),
        {"project": project_id},
    ).first()
    return OwnLimit(*row) if row else NOTHING_OF_ITS_OWN


def of_agents(connection: Connection, project_id: UUID) -> dict[str, OwnLimit]:
    """The agents of a project that have limits of their own, by id."""
    found = connection.execute(
        text(
            "SELECT agent_id, rate_limit_events_per_s, rate_limit_burst FROM agents"
            " WHERE project_id = :project"
            " AND (rate_limit_events_per_s IS NOT NULL OR rate_limit_burst IS NOT NULL)"
            " ORDER BY agent_id LIMIT :most"
        ),
        {"project": project_id, "most": MOST_AGENTS},
    )
    return {row[0]: OwnLimit(row[1], row[2]) for row in found}


def set_project(connection: Connection, project_id: UUID, own: OwnLimit) -> None:
    """Give a project these limits, in place of those it had."""
    connection.execute(
        text(
            "UPDATE projects SET rate_limit_events_per_s = :rate, rate_limit_burst = :burst"
            " WHERE project_id = :project"
        ),
        {"project": project_id, "rate": own.events_per_s, "burst": own.burst},
    )


def set_agent(connection: Connection, project_id: UUID, agent_id: str, own: OwnLimit) -> bool:
    """Give an agent these limits, in place of those it had; False if there is no such agent."""
    done = connection.execute(
        text(
            "UPDATE agents SET rate_limit_events_per_s = :rate, rate_limit_burst = :burst"
            " WHERE project_id = :project AND agent_id = :agent"
        ),
        {
            "project": project_id,
            "agent": agent_id,
            "rate": own.events_per_s,
            "burst": own.burst,
        },
    )
    return bool(done.rowcount)


def agents_with_limits(connection: Connection) -> int:
    """How many agents of all projects have limits of their own."""
    found = connection.execute(
        text(
            "SELECT count(*) FROM agents"
            " WHERE rate_limit_events_per_s IS NOT NULL OR rate_limit_burst IS NOT NULL"
        )
    )
    return int(found.scalar_one())
