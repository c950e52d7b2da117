"""Reading events: the query of ``/v1/events`` and ``/v1/stream``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from app.domain.cursor import Cursor, CursorInvalid
from app.domain.event import SEVERITIES
from app.domain.subscription import Filter, values
from app.schemas.access import Strict
from app.schemas.described import NO_NUL, several


class CursorField(fields.String):
    """A cursor that we gave out."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return Cursor.parse(super()._deserialize(value, attr, data, **kwargs))
        except CursorInvalid as error:
            raise ValidationError(str(error)) from None


class MomentField(fields.AwareDateTime):
    """An RFC 3339 moment."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", default_timezone=UTC, **kwargs)


class FilterQuery(Strict):
    """Filters; each takes one value or several with commas between."""

    agent_id = fields.String(validate=validate.Length(max=4096), metadata=NO_NUL)
    type = fields.String(validate=validate.Length(max=4096), metadata=NO_NUL)
    task_id = fields.String(validate=validate.Length(max=4096), metadata=NO_NUL)
    trace_id = fields.String(validate=validate.Length(max=4096), metadata=NO_NUL)
    severity = fields.String(validate=validate.Length(max=200), metadata=several(SEVERITIES))
    text = fields.String(validate=validate.Length(max=200), metadata=NO_NUL)

    @post_load
    def to_filter(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Replace the single filters by one ``filter``."""
        if any("\x00" in str(value) for value in data.values()):
            raise ValidationError("A filter cannot hold \\u0000.")
        try:
            severities = values(data.pop("severity", None))
            if not severities <= set(SEVERITIES):
                raise ValidationError(f"One of {', '.join(SEVERITIES)}.", "severity")
            data["filter"] = Filter(
                agent_ids=values(data.pop("agent_id", None)),
                types=values(data.pop("type", None)),
                task_ids=values(data.pop("task_id", None)),
                trace_ids=values(data.pop("trace_id", None)),
                severities=severities,
                text=data.pop("text", ""),
            )
        except ValueError as error:
            if isinstance(error, ValidationError):
                raise
            raise ValidationError(str(error)) from None
        return data


class EventsQuery(FilterQuery):
    """A page of history, or what comes after a cursor."""

    since: fields.Field[datetime] = MomentField()
    until: fields.Field[datetime] = MomentField()
    after = CursorField()
    cursor = CursorField()
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 1000))
    wait = fields.Float(load_default=0.0, validate=validate.Range(0, 25))
    order = fields.String(validate=validate.OneOf(["asc", "desc"]))
