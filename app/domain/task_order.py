"""What REST orders of a task, as the event that history will hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from app.domain.event import MAX_DATA_BYTES
from app.domain.task import EVENT_OF, UPDATED, Task, TaskEvent, TaskState

_JSON: Final = frozenset({"input", "result", "error"})


class TooMuchData(Exception):
    """What the task would hold is more than an event may carry."""

    def __init__(self, field: str) -> None:
        super().__init__(f"It makes an event of more than {MAX_DATA_BYTES} bytes.")
        self.field = field
        """The largest field."""


def created(task_id: str, fields: Mapping[str, Any], at: datetime) -> TaskEvent:
    """The event of a new task. ``fields`` are those of ``TaskData``, with ``agent_id``.

    Raises:
        TooMuchData: an event cannot carry it.
    """
    return _event("task.created", task_id, fields["agent_id"], at, fields)


def changed(task: Task, wanted: Mapping[str, Any], at: datetime) -> TaskEvent | None:
    """The event that makes the task as it is wanted; None if it is so already.

    ``wanted`` are fields of ``TaskData``, and ``state``.

    Raises:
        TooMuchData: an event cannot carry it.
    """
    fields = {
        name: value
        for name, value in wanted.items()
        if name != "state" and not _same(name, getattr(task, name), value)
    }
    state = TaskState(wanted.get("state", task.state))
    if state == task.state and not fields:
        return None
    event_type = UPDATED if state == task.state else EVENT_OF[state]
    if event_type == "task.input_required":
        fields["needs"] = "auth" if state is TaskState.AUTH_REQUIRED else "input"
    return _event(event_type, task.task_id, fields.get("agent_id", task.agent_id), at, fields)


def _same(name: str, known: Any, value: Any) -> bool:
    if name in _JSON:
        known = None if known is None else msgspec.json.decode(known)
    return bool(known == value)


def _event(
    event_type: str, task_id: str, agent_id: str, at: datetime, fields: Mapping[str, Any]
) -> TaskEvent:
    encoded = {name: msgspec.json.encode(value) for name, value in fields.items()}
    data = msgspec.json.encode({name: msgspec.Raw(value) for name, value in encoded.items()})
    if len(data) > MAX_DATA_BYTES:
        raise TooMuchData(max(encoded, key=lambda name: len(encoded[name])))
    return TaskEvent(event_type, task_id, agent_id, at, data)
