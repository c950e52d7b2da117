"""Tasks: what their endpoints take."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load, validate

from app.domain.task import TaskState
from app.schemas.access import Strict, storable
from app.schemas.described import CURSOR, VISIBLE, several
from app.schemas.events import MomentField

STATES = [state.value for state in TaskState]


def _words(value: str) -> None:
    if not (value.isascii() and value.isprintable() and " " not in value):
        raise ValidationError("It must be visible ASCII.")


class ListQuery(Strict):
    """How much of a list, and from where."""

    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    cursor = fields.String(validate=validate.Length(1, 1000), metadata=CURSOR)


class TasksQuery(ListQuery):
    """Which tasks."""

    state = fields.String(validate=validate.Length(max=200), metadata=several(STATES))
    agent_id = fields.String(validate=[validate.Length(1, 128), storable])
    parent_id = fields.String(validate=[validate.Length(1, 128), storable])
    created_by = fields.String(validate=[validate.Length(1, 128), storable])
    text = fields.String(validate=[validate.Length(1, 200), storable])

    @post_load
    def split_states(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Several states come with commas between."""
        states = [word for word in data.pop("state", "").split(",") if word]
        unknown = sorted(set(states) - set(STATES))
        if unknown:
            raise ValidationError(f"One of {', '.join(STATES)}.", "state")
        data["states"] = states
        return data


class TaskFields(Strict):
    """What a task may be given at any time."""

    title = fields.String(validate=[validate.Length(1, 1000), storable])
    agent_id = fields.String(validate=[validate.Length(1, 128), _words], metadata=VISIBLE)
    parent_id = fields.String(validate=[validate.Length(1, 128), storable], allow_none=True)
    input = fields.Raw(allow_none=True)
    deadline_at = MomentField(allow_none=True)

    @pre_load
    def only_objects(self, data: Any, **_: object) -> Any:
        """A body that is an array or a number has no fields to point at."""
        if not isinstance(data, dict):
            raise ValidationError("It must be a JSON object.")
        return data

    @post_load
    def in_utc(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Moments are kept in UTC."""
        if data.get("deadline_at") is not None:
            data["deadline_at"] = data["deadline_at"].astimezone(UTC)
        return data


class NewTask(TaskFields):
    """A task to be created. ``created_by`` is the manager that wants it, if it is an agent."""

    title = fields.String(required=True, validate=[validate.Length(1, 1000), storable])
    agent_id = fields.String(
        required=True, validate=[validate.Length(1, 128), _words], metadata=VISIBLE
    )
    created_by = fields.String(validate=[validate.Length(1, 128), _words], metadata=VISIBLE)


class TaskPatch(TaskFields):
    """What is to change; a field that is left out stays."""

    state = fields.String(validate=validate.OneOf(STATES[1:]))
    progress = fields.Float(validate=validate.Range(0, 1), allow_none=True)
    note = fields.String(validate=[validate.Length(max=2000), storable], allow_none=True)
    result = fields.Raw(allow_none=True)
    error = fields.Raw(allow_none=True)


class Cancellation(Strict):
    """Why a task is canceled."""

    note = fields.String(validate=[validate.Length(max=2000), storable], allow_none=True)
