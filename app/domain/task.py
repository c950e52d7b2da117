"""A task: its states, and what each event of history makes of it.

REST, the drain and the rebuild of projections all go through ``fold``: a task's row is what its
events make of it, in the order of their versions, and nothing else. ``docs/tasks.md`` draws the
states.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from app.domain.event_data import TaskData, decode_task_data


class TaskState(StrEnum):
    """Where a task stands (protocol §6)."""

    SUBMITTED = "submitted"
    WORKING = "working"
    INPUT_REQUIRED = "input_required"
    AUTH_REQUIRED = "auth_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    REJECTED = "rejected"


FINAL: Final = frozenset(
    {TaskState.COMPLETED, TaskState.FAILED, TaskState.CANCELED, TaskState.REJECTED}
)
OPEN: Final = frozenset(TaskState) - FINAL

UPDATED: Final = "task.updated"
"""The event of a change that leaves the state as it is. Only REST makes it."""

REFUSED: Final = "task.transition_refused"
"""What history records of an event that a task's state did not allow."""

TRANSITIONS: Final[dict[str, tuple[frozenset[TaskState], TaskState]]] = {
    "task.started": (
        frozenset({TaskState.SUBMITTED, TaskState.INPUT_REQUIRED, TaskState.AUTH_REQUIRED}),
        TaskState.WORKING,
    ),
    "task.progress": (OPEN, TaskState.WORKING),
    "task.input_required": (OPEN, TaskState.INPUT_REQUIRED),
    "task.completed": (OPEN, TaskState.COMPLETED),
    "task.failed": (OPEN, TaskState.FAILED),
    "task.canceled": (OPEN, TaskState.CANCELED),
    "task.rejected": (frozenset({TaskState.SUBMITTED}), TaskState.REJECTED),
}
"""For each type of event, the states it may find a task in, and the state it leaves it in."""

EVENT_OF: Final[dict[TaskState, str]] = {
    TaskState.WORKING: "task.started",
    TaskState.INPUT_REQUIRED: "task.input_required",
    TaskState.AUTH_REQUIRED: "task.input_required",
    TaskState.COMPLETED: "task.completed",
    TaskState.FAILED: "task.failed",
    TaskState.CANCELED: "task.canceled",
    TaskState.REJECTED: "task.rejected",
}
"""The event that brings a task into a state."""

TYPES: Final = frozenset({"task.created", UPDATED, *TRANSITIONS})
"""The types of events that a task is made of."""


class Task(msgspec.Struct, kw_only=True):
    """A task as it is now. ``progress`` is a share from 0 to 1; times are the server's."""

    task_id: str
    version: int
    state: TaskState
    title: str | None = None
    agent_id: str
    created_by: str | None = None
    """None as long as only its agent has reported on it."""
    parent_id: str | None = None
    input: msgspec.Raw | None = None
    deadline_at: datetime | None = None
    progress: float | None = None
    note: str | None = None
    result: msgspec.Raw | None = None
    error: msgspec.Raw | None = None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None = None


_CREATION: Final = ("title", "agent_id", "created_by", "parent_id", "input", "deadline_at")
"""What the creation of a task says of it, as against what is reported later."""

_JSON_FIELDS: Final = ("input", "result", "error")


def decode_task(encoded: bytes) -> Task:
    """A task that was encoded as JSON."""
    values = msgspec.json.decode(encoded)
    given = {name: values.pop(name) for name in _JSON_FIELDS}
    task = msgspec.convert(values, Task)
    for name, value in given.items():
        setattr(task, name, None if value is None else msgspec.Raw(msgspec.json.encode(value)))
    return task


class TaskEvent(msgspec.Struct, frozen=True):
    """What ``fold`` needs of an event. ``at`` is when the server received it."""

    type: str
    task_id: str
    agent_id: str
    at: datetime
    data: bytes | msgspec.Raw


class TransitionRefused(Exception):
    """The task's state does not allow this event."""

    def __init__(self, state: TaskState | None, event_type: str) -> None:
        super().__init__(
            f"{event_type} does not fit a task that exists already."
            if event_type == "task.created"
            else f"{event_type} does not fit a task that is {state.value if state else 'unknown'}."
        )
        self.state = state


def fold(task: Task | None, event: TaskEvent) -> Task:
    """The task after this event, its version one higher. The given task stays as it is.

    An agent may report on a task that nobody created: the first report does. Its creation may come
    after it, by another agent's stream: then it says what the task is, and moves nothing.

    Raises:
        TransitionRefused: the state does not allow it; nothing changes.
    """
    data = decode_task_data(event.data)
    if task is None:
        if event.type == UPDATED:
            raise TransitionRefused(None, event.type)
        return _begun(event, data)
    if event.type == "task.created" and task.created_by is None:
        return _explained(task, event, data)
    state = _next_state(task, event.type, data)
    return msgspec.structs.replace(
        task,
        version=task.version + 1,
        state=state,
        updated_at=event.at,
        finished_at=event.at if state in FINAL else None,
        **_changed(data),
    )


def allows(state: TaskState, event_type: str) -> bool:
    """Whether a task in this state may see such an event."""
    if event_type == UPDATED:
        return state not in FINAL
    allowed, _ = TRANSITIONS.get(event_type, (frozenset(), None))
    return state in allowed


def _next_state(task: Task, event_type: str, data: TaskData) -> TaskState:
    if not allows(task.state, event_type):
        raise TransitionRefused(task.state, event_type)
    if event_type == UPDATED:
        return task.state
    return _reached(event_type, data)


def _begun(event: TaskEvent, data: TaskData) -> Task:
    created = event.type == "task.created"
    state = TaskState.SUBMITTED if created else _reached(event.type, data)
    begun = Task(
        task_id=event.task_id,
        version=1,
        state=state,
        agent_id=event.agent_id,
        created_by=event.agent_id if created else None,
        created_at=event.at,
        updated_at=event.at,
        finished_at=event.at if state in FINAL else None,
    )
    return msgspec.structs.replace(begun, **_changed(data))


def _explained(task: Task, event: TaskEvent, data: TaskData) -> Task:
    told = {"created_by": event.agent_id, **_changed(data)}
    known = {name: told[name] for name in _CREATION if name in told}
    return msgspec.structs.replace(task, version=task.version + 1, updated_at=event.at, **known)


def _reached(event_type: str, data: TaskData) -> TaskState:
    if event_type == "task.input_required" and data.needs == "auth":
        return TaskState.AUTH_REQUIRED
    return TRANSITIONS[event_type][1]


def _changed(data: TaskData) -> dict[str, object]:
    """The fields that the event names: null empties one, and what is left out stays."""
    return {
        name: value
        for name in data.__struct_fields__
        if name != "needs" and (value := getattr(data, name)) is not msgspec.UNSET
    }
