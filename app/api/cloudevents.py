"""CloudEvents 1.0 as events of ours: structured, batched, or in the ``ce-*`` headers (binary).

``source`` is the agent's id and ``subject`` the task's. The extensions ``severity`` and ``traceid``
are understood; others are not kept.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import unquote

import msgspec
from werkzeug.datastructures import Headers

from app.core.errors import BadRequest
from app.domain.event import MAX_ITEM_BYTES, Rejected
from app.domain.event_blame import id_of, pointer_of
from app.domain.json_text import holds_unstorable_text

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"

_NO_DATA: Final = msgspec.Raw(b"{}")
Text = Annotated[str, msgspec.Meta(min_length=1)]


class CloudEvent(msgspec.Struct, kw_only=True):
    """The attributes that mean something here; attributes that we do not know are let pass."""

    specversion: Literal["1.0"]
    id: Text
    source: Text
    type: Text
    time: str | None = None
    subject: str | None = None
    severity: str | None = None
    traceid: str | None = None
    data: msgspec.Raw = _NO_DATA
    data_base64: None = None
    """Binary data is no object, so it is refused."""


class _Item(msgspec.Struct, kw_only=True, omit_defaults=True):
    id: str
    type: str
    agent_id: str
    time: str | None = None
    task_id: str | None = None
    trace_id: str | None = None
    severity: str = "info"
    data: msgspec.Raw


_decode = msgspec.json.Decoder(CloudEvent).decode
_encode = msgspec.json.Encoder().encode


def is_binary(headers: Headers) -> bool:
    """Whether a request carries its event's attributes in its headers."""
    return "ce-specversion" in headers


def item_of_binary(headers: Headers, body: bytes) -> bytes:
    """The event in the headers, with the body as its data.

    Raises:
        BadRequest: a required attribute is missing or wrong.
    """
    attributes = {
        name[3:].lower(): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith("ce-")
    }
    try:
        event = msgspec.convert(attributes, CloudEvent)
    except msgspec.ValidationError as error:
        raise BadRequest(f"CloudEvent: {error}.") from None
    if body.strip():
        try:
            event.data = msgspec.json.decode(body, type=msgspec.Raw)
        except RecursionError:
            event.data = msgspec.Raw(body)
        except msgspec.DecodeError as error:
            if len(body) <= MAX_ITEM_BYTES and not holds_unstorable_text(body):
                raise BadRequest(f"The body must be JSON: {error}.") from None
            # Too long, or what cannot be stored: it is refused by name like any other item.
            event.data = msgspec.Raw(body)
    return _as_item(event)


def item_of_structured(item: bytes) -> bytes | Rejected:
    """A structured CloudEvent as an event of ours, or why it is none.

    What is no JSON is passed on as it is, to be refused by name like any other item.
    """
    try:
        return _as_item(_decode(item))
    except msgspec.ValidationError as error:
        detail = f"CloudEvent: {error}."
        return Rejected("invalid_event", detail, id_of(item), pointer_of(error))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return item


def _as_item(event: CloudEvent) -> bytes:
    return _encode(
        _Item(
            id=event.id,
            type=event.type,
            agent_id=event.source,
            time=event.time,
            task_id=event.subject,
            trace_id=event.traceid,
            severity=event.severity or "info",
            data=event.data,
        )
    )
