"""Deadlines: commands that nobody carried out in time expire, tasks fail."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine

from app.core import clock
from app.core.logging import get_logger
from app.domain.command import Command, CommandState, advance
from app.domain.partition import agent_key, partition_of
from app.domain.task import Task, TaskEvent, fold
from app.eventlog.log import EventLog
from app.jobs.ring import ring
from app.storage import command_steps, commands, outbox, tasks

AT_ONCE: Final = 500
"""What one round takes of each; the next is a second away."""

OVERDUE: Final = b'{"error":"deadline"}'

log = get_logger(__name__)


class Deadlines:
    """One round a second, by the one clock that may act."""

    def __init__(self, engine: Engine, broker: RedisBroker, eventlog: EventLog) -> None:
        self._engine = engine
        self._broker = broker
        self._log = eventlog

    def commands(self) -> None:
        """Expire the commands whose deadline has passed."""
        now = clock.now()
        with self._engine.begin() as connection:
            late = commands.overdue(connection, AT_ONCE)
            over: list[tuple[UUID, Command]] = []
            for project_id, command in late:
                expired = advance(command, CommandState.EXPIRED, now)
                if expired is not None:
                    over.append((project_id, expired))
            commands.save_all(connection, over)
            poked = command_steps.put_events(
                connection,
                ((p, command_steps.told(c, p, now, self._log.partitions)) for p, c in over),
            )
        self._told(poked, commands=len(over))

    def tasks(self) -> None:
        """Fail the open tasks whose deadline has passed."""
        now = clock.now()
        with self._engine.begin() as connection:
            events: list[tuple[UUID, outbox.Outgoing]] = []
            for project_id, task in tasks.overdue(connection, AT_ONCE):
                event = TaskEvent("task.failed", task.task_id, task.agent_id, now, OVERDUE)
                failed = fold(task, event)
                tasks.save(connection, project_id, failed)
                events.append((project_id, self._failure(project_id, failed, event)))
            poked = command_steps.put_events(connection, events)
        self._told(poked, tasks=len(events))

    def _failure(self, project_id: UUID, failed: Task, event: TaskEvent) -> outbox.Outgoing:
        key = agent_key(str(project_id), failed.agent_id)
        return outbox.Outgoing(
            partition_of(key, self._log.partitions),
            failed.agent_id,
            event.type,
            event.at,
            bytes(event.data),
            failed.task_id,
            failed.version,
        )

    def _told(self, poked: set[int], **counts: int) -> None:
        if poked:
            log.info("deadlines_passed", **counts)
            for partition in self._log.poke(sorted(poked)):
                ring(self._broker, partition, "deadline")
