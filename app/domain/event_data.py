"""The ``data`` of the event types that the system itself understands (protocol §2)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class StatusData(msgspec.Struct):
    """``agent.status``: what the agent claims to be doing."""

    status: Word
    note: Annotated[str, msgspec.Meta(max_length=2000)] | None = None


class LogData(msgspec.Struct):
    """``agent.log``: a line for people."""

    message: str


class RegisteredData(msgspec.Struct):
    """``agent.registered``: who an agent says it is."""

    role: Literal["worker", "manager"] | None = None
    name: Annotated[str, msgspec.Meta(max_length=200)] | None = None


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class TaskData(msgspec.Struct, kw_only=True):
    """``task.*``: what an event says of its task. A field that is left out says nothing.

    ``progress`` is a share from 0 to 1; ``needs`` says what a task waits for that requires input.
    """

    title: Annotated[str, msgspec.Meta(max_length=1000)] | msgspec.UnsetType | None = msgspec.UNSET
    agent_id: Name | msgspec.UnsetType = msgspec.UNSET
    created_by: Name | msgspec.UnsetType = msgspec.UNSET
    parent_id: Name | msgspec.UnsetType | None = msgspec.UNSET
    input: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    deadline_at: Moment | msgspec.UnsetType | None = msgspec.UNSET
    progress: Annotated[float, msgspec.Meta(ge=0, le=1)] | msgspec.UnsetType | None = msgspec.UNSET
    note: Annotated[str, msgspec.Meta(max_length=2000)] | msgspec.UnsetType | None = msgspec.UNSET
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    needs: Literal["input", "auth"] | None = None


decode_task_data = msgspec.json.Decoder(TaskData).decode

MetricData = dict[str, float]
"""``agent.metric``: a whole number that is too great for a float is refused."""

_DECODERS: dict[str, msgspec.json.Decoder[object]] = {
    "agent.status": msgspec.json.Decoder(StatusData),
    "agent.log": msgspec.json.Decoder(LogData),
    "agent.metric": msgspec.json.Decoder(MetricData),
    "agent.registered": msgspec.json.Decoder(RegisteredData),
    **{
        f"task.{word}": msgspec.json.Decoder(TaskData)
        for word in (
            "created",
            "started",
            "progress",
            "input_required",
            "completed",
            "failed",
            "canceled",
            "rejected",
        )
    },
}


def check_data(event_type: str, payload: bytes) -> str | None:
    """What is wrong with the ``data`` of a known type, in a sentence; None if nothing is."""
    decoder = _DECODERS.get(event_type)
    if decoder is None:
        return None
    try:
        decoder.decode(payload)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        return f"`data` of {event_type}: {error}."
    return None
