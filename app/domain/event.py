"""The event: what an agent may send, how it is checked, and the one form in which it travels on.

An event is decoded once at the edge. Its ``data`` stays the bytes that the sender wrote, from the
frame to the log, the row and the dashboard.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Literal, get_args

import msgspec

from app.core.identifiers import uuid7, uuid7_time
from app.domain.event_blame import id_of, pointer_of
from app.domain.event_data import check_data
from app.domain.json_text import depth_exceeds, holds_unstorable_text

MAX_DATA_BYTES = 64 * 1024
MAX_ITEM_BYTES = MAX_DATA_BYTES + 8 * 1024
"""The data, and room for all other fields at their longest, every letter of them escaped."""

MAX_DEPTH = 64
MAX_BATCH = 1000
AHEAD = timedelta(minutes=5)
BEHIND = timedelta(days=30)

Severity = Literal["debug", "info", "warning", "error", "critical"]
SEVERITIES: tuple[str, ...] = get_args(Severity)

_TYPE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
_BRACE = ord("{")
_BACKSLASH = ord("\\")
_EMPTY = msgspec.Raw(b"{}")


class IncomingEvent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """An event as its sender wrote it (protocol §2), its shape and types already checked."""

    type: Annotated[str, msgspec.Meta(max_length=64)]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    agent_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    task_id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    trace_id: Annotated[str, msgspec.Meta(max_length=128)] | None = None
    severity: Severity = "info"
    data: msgspec.Raw = _EMPTY


class Event(msgspec.Struct, kw_only=True, gc=False):
    """An accepted event: every field filled in. Encoded, it is the record in the log."""

    id: str
    type: str
    agent_id: str
    time: datetime
    task_id: str | None
    trace_id: str | None
    severity: Severity
    data: msgspec.Raw


class StoredEvent(Event, kw_only=True, gc=False):
    """An event with its place in history: ``offset`` is contiguous within ``partition``."""

    partition: int
    offset: int
    received_at: datetime


class Rejected(msgspec.Struct, frozen=True):
    """Why one item was refused. ``code`` is stable, ``detail`` is for people, ``pointer`` is the
    JSON pointer of the field that is to blame, empty if none is.
    """

    code: str
    detail: str
    id: str | None = None
    pointer: str = ""


class EventRejected(Exception):
    """One item is refused; the others of its batch stand."""

    def __init__(
        self, code: str, detail: str, event_id: str | None = None, pointer: str = ""
    ) -> None:
        super().__init__(detail)
        self.rejected = Rejected(code, detail, event_id, pointer)


decode_incoming = msgspec.json.Decoder(IncomingEvent).decode
decode_event = msgspec.json.Decoder(Event).decode
encode_event = msgspec.json.Encoder().encode


def read_item(raw: bytes | msgspec.Raw) -> IncomingEvent:
    """Decode one item of a batch.

    Raises:
        EventRejected: ``data_too_large``, ``invalid_event``, ``invalid_text`` or ``too_deep``, with
            the item's id if that much could be read.
    """
    if len(raw) > MAX_ITEM_BYTES:
        # Before anything looks at it letter by letter.
        raise _too_large(id_of(raw))
    try:
        return decode_incoming(raw)
    except RecursionError:
        raise EventRejected(
            "too_deep", f"Nested deeper than {MAX_DEPTH} levels.", id_of(raw)
        ) from None
    except msgspec.ValidationError as error:
        raise EventRejected("invalid_event", f"{error}.", id_of(raw), pointer_of(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        if holds_unstorable_text(bytes(raw)):
            raise EventRejected(
                "invalid_text",
                "The text holds a lone surrogate, which cannot be stored.",
                id_of(raw),
            ) from None
        raise EventRejected("invalid_event", "This item is not valid JSON.", id_of(raw)) from None


def accept(
    incoming: IncomingEvent,
    *,
    now: datetime,
    agent_id: str | None = None,
    behind: timedelta = BEHIND,
) -> Event:
    """Check what the types cannot say, and fill in what was left out.

    ``agent_id`` is the agent that the socket or the key speaks for: it may be left out of the event
    and must not differ. ``behind`` is how old an event may be: history is not kept for longer.

    Raises:
        EventRejected: with one of the codes of ``docs/protocol.md``.
    """
    event_id = incoming.id
    if event_id is None:
        event_id = str(uuid7())
    elif not is_visible(event_id):
        raise EventRejected("invalid_event", "`id` must be visible ASCII.", pointer="/id")
    if not _is_type(incoming.type):
        raise EventRejected(
            "invalid_event",
            "`type` must be words of a-z, 0-9 and _ with dots between.",
            event_id,
            "/type",
        )
    sender = _sender(incoming, agent_id)
    for field, text in (("task_id", incoming.task_id), ("trace_id", incoming.trace_id)):
        if text is not None and "\x00" in text:
            raise EventRejected("invalid_text", "The text holds \\u0000.", incoming.id, f"/{field}")
    _check_data(incoming)
    return Event(
        id=event_id,
        type=incoming.type,
        agent_id=sender,
        time=_moment(incoming.time, event_id, now, behind),
        task_id=incoming.task_id,
        trace_id=incoming.trace_id,
        severity=incoming.severity,
        data=incoming.data,
    )


def _sender(incoming: IncomingEvent, agent_id: str | None) -> str:
    given = incoming.agent_id
    if given is None:
        if agent_id is None:
            raise EventRejected("invalid_event", "`agent_id` is missing.", incoming.id, "/agent_id")
        return agent_id
    if agent_id is not None:
        if given != agent_id:
            raise EventRejected(
                "agent_mismatch",
                "`agent_id` is not the agent that this socket or key is for.",
                incoming.id,
                "/agent_id",
            )
    elif not is_visible(given):
        raise EventRejected(
            "invalid_event", "`agent_id` must be visible ASCII.", incoming.id, "/agent_id"
        )
    return given


def _check_data(incoming: IncomingEvent) -> None:
    event_id = incoming.id
    payload = bytes(incoming.data)
    size = len(payload)
    if payload[0] != _BRACE:
        raise EventRejected("invalid_event", "`data` must be an object.", event_id, "/data")
    if size > MAX_DATA_BYTES:
        raise _too_large(event_id)
    # One letter is found five times as fast as two.
    if _BACKSLASH in payload and b"\\u" in payload and holds_unstorable_text(payload):
        raise EventRejected(
            "invalid_text", "`data` holds \\u0000 or a lone surrogate.", event_id, "/data"
        )
    if size > 2 * MAX_DEPTH and _may_be_deep(payload) and depth_exceeds(payload, MAX_DEPTH):
        raise EventRejected(
            "too_deep", f"`data` is nested deeper than {MAX_DEPTH}.", event_id, "/data"
        )
    problem = check_data(incoming.type, payload)
    if problem is not None:
        raise EventRejected("invalid_data", problem, event_id, "/data")


def _may_be_deep(payload: bytes) -> bool:
    return payload.count(b"{") + payload.count(b"[") > MAX_DEPTH


def _too_large(event_id: str | None) -> EventRejected:
    detail = f"`data` is over {MAX_DATA_BYTES} bytes."
    return EventRejected("data_too_large", detail, event_id, "/data")


def _moment(given: datetime | None, event_id: str, now: datetime, behind: timedelta) -> datetime:
    moment = given or uuid7_time(event_id)
    if moment is None:
        return now
    if moment > now + AHEAD or moment < now - behind:
        if given is None:
            # The id merely looks like a UUIDv7: its number is no claim about time.
            return now
        where = (
            "more than 5 minutes ahead" if moment > now else f"more than {behind.days} days back"
        )
        raise EventRejected("time_out_of_range", f"`time` is {where}.", event_id, "/time")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


@lru_cache(maxsize=4096)
def _is_type(text: str) -> bool:
    return _TYPE.fullmatch(text) is not None


def is_visible(text: str) -> bool:
    """Whether it is visible ASCII, without blanks."""
    return text.isascii() and text.isprintable() and " " not in text
