"""A picture of one moment: agents, newest events and the cursor, all of the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from app.domain.agent import AgentView
from app.domain.cursor import Cursor
from app.domain.event import StoredEvent
from app.domain.subscription import Filter
from app.storage import agents as stored_agents
from app.storage import history, partitions


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``agents`` are the first of ``agents_total``, ``events`` the newest that match, oldest first;
    live continues behind ``cursor``.
    """

    cursor: Cursor
    agents: list[AgentView]
    agents_total: int
    events: list[StoredEvent]


def take(engine: Engine, project_id: UUID, wanted: Filter, *, agents: int, events: int) -> Snapshot:
    """Read at most ``agents`` agents and ``events`` events in one REPEATABLE READ transaction."""
    with engine.connect() as opened:
        connection = opened.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            states = partitions.states(connection)
            cursor = Cursor.at(states[0].epoch, {s.partition: s.head for s in states}, len(states))
            shown = stored_agents.page(connection, project_id, among=wanted.agent_ids, limit=agents)
            total = stored_agents.count(connection, project_id, among=wanted.agent_ids)
            newest, _ = history.newest(connection, project_id, wanted, cursor, events)
    return Snapshot(cursor, shown, total, newest[::-1])
