"""A picture of one moment: agents, tasks, newest events and the cursor, of one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine

from app.domain.agent import AgentView
from app.domain.cursor import Cursor
from app.domain.event import StoredEvent
from app.domain.subscription import Filter
from app.domain.task import Task
from app.storage import agent_views, history, partitions
from app.storage import tasks as stored_tasks


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``agents`` are the first of ``agents_total``, ``tasks`` the newest, newest first, ``events``
    the newest that match, oldest first; live continues behind ``cursor``.
    """

    cursor: Cursor
    agents: list[AgentView]
    agents_total: int
    tasks: list[Task]
    events: list[StoredEvent]


def take(
    engine: Engine, project_id: UUID, wanted: Filter, *, agents: int, tasks: int, events: int
) -> Snapshot:
    """Read at most so many agents, tasks and events in one REPEATABLE READ transaction."""
    with engine.connect() as opened:
        connection = opened.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            states = partitions.states(connection)
            cursor = Cursor.at(states[0].epoch, {s.partition: s.head for s in states}, len(states))
            shown = agent_views.page(connection, project_id, among=wanted.agent_ids, limit=agents)
            total = agent_views.count(connection, project_id, among=wanted.agent_ids)
            begun = stored_tasks.newest(connection, project_id, wanted, limit=tasks)
            newest, _ = history.newest(connection, project_id, wanted, cursor, events)
    return Snapshot(cursor, shown, total, begun, newest[::-1])
