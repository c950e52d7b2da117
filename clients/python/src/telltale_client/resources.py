"""What a manager reads: tasks, commands and agents, as the server shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self, TypedDict


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that the server shows as a JSON object. Times are aware, in UTC."""

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Self:
        """From what the server answered; what a later server adds is left out."""
        values = {field.name: shown.get(field.name) for field in fields(cls)}
        for name, value in values.items():
            if name.endswith("_at") and value is not None:
                values[name] = datetime.fromisoformat(value)
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Task(Resource):
    """Something that a manager wants done and an agent does.

    ``state`` is submitted, working, input_required, auth_required, completed, failed, canceled or
    rejected. ``input``, ``result`` and ``error`` are any JSON; ``progress`` is from 0 to 1.
    """

    task_id: str
    version: int
    state: str
    title: str | None
    agent_id: str
    created_by: str | None
    parent_id: str | None
    input: Any
    deadline_at: datetime | None
    progress: float | None
    note: str | None
    result: Any
    error: Any
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class TaskChanges(TypedDict, total=False):
    """What of a task may be changed; a field that is left out stays."""

    title: str
    agent_id: str
    parent_id: str | None
    input: Any
    deadline_at: datetime | str | None
    state: str
    progress: float | None
    note: str | None
    result: Any
    error: Any


@dataclass(frozen=True, slots=True)
class TaskTree:
    """A task and what lies below it. ``truncated`` is said of the root: there is more."""

    task: Task
    children: tuple[TaskTree, ...]
    truncated: bool

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Self:
        """From what the server answered."""
        children = tuple(cls.of(child) for child in shown["children"])
        return cls(Task.of(shown["task"]), children, bool(shown.get("truncated")))

    def __iter__(self) -> Iterator[Task]:
        """Every task of the tree, parents before their children."""
        yield self.task
        for child in self.children:
            yield from child


@dataclass(frozen=True, slots=True)
class SentCommand(Resource):
    """A command to an agent, as the manager sees it.

    ``state`` is queued, delivered, received, done, failed or expired; ``detail`` is what the agent
    answered. ``deliveries`` counts how often it was sent.
    """

    command_id: str
    agent_id: str
    name: str
    args: Any
    state: str
    created_by: str
    created_at: datetime
    deadline_at: datetime
    delivered_at: datetime | None
    deliveries: int
    received_at: datetime | None
    finished_at: datetime | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class AgentInfo(Resource):
    """An agent as the fleet sees it.

    ``status`` and ``note`` are what it said last; ``liveness`` is online, stale or lost;
    ``task_id`` is what it spoke of last; ``events`` counts what it has sent.
    """

    agent_id: str
    name: str | None
    role: str | None
    status: str | None
    note: str | None
    liveness: str
    first_seen_at: datetime
    last_seen_at: datetime
    task_id: str | None
    events: int
