"""Agents: what their endpoints take."""

from __future__ import annotations

from typing import Any

import msgspec
from marshmallow import ValidationError, fields, post_load, validate

from app.domain.agent import Liveness
from app.domain.event import MAX_DEPTH
from app.domain.json_text import depth_exceeds, holds_unstorable_text
from app.schemas.access import Strict, storable
from app.schemas.described import several
from app.schemas.tasks import ListQuery

MAX_META_BYTES = 16 * 1024
LIVENESSES = [liveness.value for liveness in Liveness]


class AgentsQuery(ListQuery):
    """Which agents. Several values come with commas between."""

    status = fields.String(validate=[validate.Length(1, 1000), storable])
    liveness = fields.String(validate=validate.Length(1, 100), metadata=several(LIVENESSES))
    role = fields.String(validate=validate.OneOf(["worker", "manager"]))
    task_id = fields.String(validate=[validate.Length(1, 128), storable])
    text = fields.String(validate=[validate.Length(1, 200), storable])

    @post_load
    def split(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Make lists of what may be several."""
        for name in ("status", "liveness"):
            data[name] = [word for word in data.get(name, "").split(",") if word]
        if set(data["liveness"]) - set(LIVENESSES):
            raise ValidationError(f"One of {', '.join(LIVENESSES)}.", "liveness")
        return data


def _meta(value: object) -> None:
    encoded = msgspec.json.encode(value)
    if len(encoded) > MAX_META_BYTES:
        raise ValidationError(f"It may have {MAX_META_BYTES} bytes.")
    if holds_unstorable_text(encoded) or depth_exceeds(encoded, MAX_DEPTH):
        raise ValidationError(f"It is nested deeper than {MAX_DEPTH}, or holds text that is none.")


class NewAgent(Strict):
    """An agent to be made known, as its hello would."""

    agent_id = fields.String(
        required=True,
        validate=validate.Regexp(r"[!-~]{1,128}\Z", error="It must be visible ASCII, 1 to 128."),
    )
    name = fields.String(validate=[validate.Length(1, 200), storable], allow_none=True)
    role = fields.String(validate=validate.OneOf(["worker", "manager"]), load_default="worker")
    meta = fields.Dict(keys=fields.String(), validate=_meta, allow_none=True)
