"""Steps of commands, each with its event in the same transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from app.domain.command import Command, CommandState, advance, event_data, outlived
from app.domain.partition import agent_key, partition_of
from app.storage import commands, outbox


class Step(NamedTuple):
    """What became of a command, as somebody says. ``agent_id`` is the agent it must be for, and
    ``incarnation`` its life. ``outlived`` says that this life knows nothing of the command.
    """

    project_id: UUID
    agent_id: str
    command_id: UUID
    state: CommandState
    detail: str | None = None
    incarnation: int = 0
    outlived: bool = False


def told(command: Command, project_id: UUID, at: datetime, partitions: int) -> outbox.Outgoing:
    """The event of the state that a command is in."""
    partition = partition_of(agent_key(str(project_id), command.agent_id), partitions)
    kind = f"command.{command.state.value}"
    return outbox.Outgoing(partition, command.agent_id, kind, at, event_data(command))


def take(
    connection: Connection, steps: Sequence[Step], at: datetime, partitions: int
) -> tuple[set[int], list[Step]]:
    """Take steps in their order, and write the events of those that led somewhere.

    Returns the partitions to poke after the commit, and the steps of which there is no unfinished
    command of that agent.
    """
    known = commands.lock_all(connection, ((s.project_id, s.command_id) for s in steps))
    changed: dict[tuple[UUID, UUID], Command] = {}
    events: list[tuple[UUID, outbox.Outgoing]] = []
    strange = []
    for step in steps:
        name = (step.project_id, step.command_id)
        before = changed.get(name) or known.get(name)
        if before is None or before.agent_id != step.agent_id:
            strange.append(step)
            continue
        after = _after(before, step, at)
        if after is None:
            continue
        changed[name] = after
        if after.state is not before.state:
            events.append((step.project_id, told(after, step.project_id, at, partitions)))
    commands.save_all(connection, ((project_id, c) for (project_id, _), c in changed.items()))
    return put_events(connection, events), strange


def _after(before: Command, step: Step, at: datetime) -> Command | None:
    if step.outlived:
        return outlived(before, step.incarnation, at)
    return advance(before, step.state, at, step.detail, incarnation=step.incarnation)


def put_events(connection: Connection, events: Iterable[tuple[UUID, outbox.Outgoing]]) -> set[int]:
    """Write events of several projects, each project's in order; returns their partitions."""
    by_project: dict[UUID, list[outbox.Outgoing]] = {}
    for project_id, event in events:
        by_project.setdefault(project_id, []).append(event)
    for project_id, outgoing in by_project.items():
        outbox.put(connection, project_id, outgoing)
    return {event.partition for outgoing in by_project.values() for event in outgoing}
