"""What is forgotten when its time is over: old configurations, finished tasks, agents long gone.

Tasks and agents go only when no event of theirs is left in history: what history still tells of
must stand, or a rebuild would find it missing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

PRUNED_AT_ONCE: Final = 1000

_OLD_CONFIGS: Final = (
    "SELECT project_id, agent_id, version FROM agent_config_history AS history"
    " WHERE changed_at < :before AND EXISTS (SELECT 1 FROM agent_config_history AS newer"
    " WHERE newer.project_id = history.project_id AND newer.agent_id = history.agent_id"
    " AND newer.version > history.version)"
)
_SURPLUS_CONFIGS: Final = (
    "SELECT now.project_id, now.agent_id, surplus.version FROM agent_configs AS now"
    " CROSS JOIN LATERAL (SELECT version FROM agent_config_history AS history"
    " WHERE history.project_id = now.project_id AND history.agent_id = now.agent_id"
    " AND history.version <= now.version - :versions ORDER BY version LIMIT :most) AS surplus"
)
_CONFIGS: Final = f"SELECT * FROM ({_OLD_CONFIGS} UNION {_SURPLUS_CONFIGS}) AS found LIMIT :most"

_TASKS: Final = (
    "SELECT project_id, task_id FROM tasks WHERE finished_at < :before"
    " AND NOT EXISTS (SELECT 1 FROM tasks AS child"
    " WHERE child.project_id = tasks.project_id AND child.parent_id = tasks.task_id)"
    " AND NOT EXISTS (SELECT 1 FROM events WHERE events.project_id = tasks.project_id"
    " AND events.task_id = tasks.task_id AND events.task_version IS NOT NULL)"
    " ORDER BY finished_at LIMIT :most"
)

_AGENTS: Final = (
    "SELECT project_id, agent_id FROM agents WHERE last_seen_at < :before AND liveness = 'lost'"
    " AND NOT EXISTS (SELECT 1 FROM events WHERE events.project_id = agents.project_id"
    " AND events.agent_id = agents.agent_id)"
    " AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.project_id = agents.project_id"
    " AND outbox.agent_id = agents.agent_id)"
    " AND NOT EXISTS (SELECT 1 FROM commands WHERE commands.project_id = agents.project_id"
    " AND commands.agent_id = agents.agent_id AND finished_at IS NULL)"
    " AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.project_id = agents.project_id"
    " AND tasks.agent_id = agents.agent_id AND finished_at IS NULL)"
    " ORDER BY last_seen_at LIMIT :most"
)
_OF_AN_AGENT: Final = ("agent_cursors", "agent_configs", "agent_config_history", "commands")


def configs(connection: Connection, older_than: datetime, versions: int) -> int:
    """Forget versions of configurations that are so old, or behind so many newer ones; how many.

    The newest of each agent stays, also of one whose configuration was deleted: versions go on
    counting from it.
    """
    return connection.execute(
        text(
            f"WITH old AS ({_CONFIGS}) DELETE FROM agent_config_history AS history USING old"
            " WHERE history.project_id = old.project_id AND history.agent_id = old.agent_id"
            " AND history.version = old.version"
        ),
        {"before": older_than, "versions": versions, "most": PRUNED_AT_ONCE},
    ).rowcount


def tasks(connection: Connection, older_than: datetime) -> int:
    """Forget tasks that ended before a moment, children before their parents; how many."""
    return connection.execute(
        text(
            f"WITH old AS ({_TASKS} FOR UPDATE SKIP LOCKED), snapshots AS ("
            " DELETE FROM projection_snapshots AS kept USING old WHERE kept.kind = 'task'"
            " AND kept.project_id = old.project_id AND kept.id = old.task_id)"
            " DELETE FROM tasks USING old WHERE tasks.project_id = old.project_id"
            " AND tasks.task_id = old.task_id"
        ),
        {"before": older_than, "most": PRUNED_AT_ONCE},
    ).rowcount


def gone_agents(connection: Connection, before: datetime) -> list[tuple[Any, str]]:
    """The (project, agent) that gave their last sign of life before a moment and have nothing left
    to do, longest gone first, at most ``PRUNED_AT_ONCE``.
    """
    found = connection.execute(text(_AGENTS), {"before": before, "most": PRUNED_AT_ONCE})
    return [(row[0], row[1]) for row in found]


def agents(connection: Connection, before: datetime) -> int:
    """Forget agents that are gone so long, with their configurations, commands and sequence."""
    also = ", ".join(
        f"of_{table} AS (DELETE FROM {table} AS its USING old"
        " WHERE its.project_id = old.project_id AND its.agent_id = old.agent_id)"
        for table in _OF_AN_AGENT
    )
    return connection.execute(
        text(
            f"WITH old AS ({_AGENTS} FOR UPDATE SKIP LOCKED), {also}, snapshots AS ("
            " DELETE FROM projection_snapshots AS kept USING old WHERE kept.kind = 'agent'"
            " AND kept.project_id = old.project_id AND kept.id = old.agent_id)"
            " DELETE FROM agents USING old WHERE agents.project_id = old.project_id"
            " AND agents.agent_id = old.agent_id"
        ),
        {"before": before, "most": PRUNED_AT_ONCE},
    ).rowcount
