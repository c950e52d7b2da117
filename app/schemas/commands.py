"""Commands: what their endpoints take."""

from __future__ import annotations

from typing import Any

import msgspec
from marshmallow import ValidationError, fields, post_load, validate

from app.domain.command import CommandState
from app.domain.event import MAX_DEPTH
from app.domain.json_text import depth_exceeds, holds_unstorable_text
from app.schemas.access import Strict
from app.schemas.described import several
from app.schemas.tasks import ListQuery

MAX_ARGS_BYTES = 32 * 1024
MAX_DEADLINE_S = 7 * 86_400
DEADLINE_S = 300
STATES = [state.value for state in CommandState]


def _args(value: object) -> None:
    encoded = msgspec.json.encode(value)
    if len(encoded) > MAX_ARGS_BYTES:
        raise ValidationError(f"It may have {MAX_ARGS_BYTES} bytes.")
    if holds_unstorable_text(encoded) or depth_exceeds(encoded, MAX_DEPTH):
        raise ValidationError(f"It is nested deeper than {MAX_DEPTH}, or holds text that is none.")


class NewCommand(Strict):
    """Something that an agent shall do. ``deadline_s`` counts from now."""

    name = fields.String(
        required=True,
        validate=validate.Regexp(
            r"[a-z0-9_.-]{1,64}\Z", error="It must be 1 to 64 of a-z, 0-9, dot, dash, underscore."
        ),
    )
    args = fields.Dict(keys=fields.String(), validate=_args, load_default=dict)
    deadline_s = fields.Float(
        validate=validate.Range(1, MAX_DEADLINE_S), load_default=float(DEADLINE_S)
    )


class CommandsQuery(ListQuery):
    """Which commands. Several states come with commas between."""

    state = fields.String(validate=validate.Length(max=200), metadata=several(STATES))

    @post_load
    def split_states(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Make a list of the states."""
        data["states"] = [word for word in data.pop("state", "").split(",") if word]
        if set(data["states"]) - set(STATES):
            raise ValidationError(f"One of {', '.join(STATES)}.", "state")
        return data
