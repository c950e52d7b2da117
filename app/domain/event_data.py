"""The ``data`` of the event types that the system itself understands (protocol §2)."""

from __future__ import annotations

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


class TaskData(msgspec.Struct):
    """``task.*``: the title, where the event carries it."""

    title: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


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
