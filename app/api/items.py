"""A request's body as items, each still the bytes that were sent."""

from __future__ import annotations

from typing import Final

import msgspec
from flask import Request

from app.api import cloudevents
from app.core.aside import aside
from app.core.errors import BadRequest, Unprocessable, UnsupportedMediaType
from app.domain.event import MAX_BATCH, MAX_ITEM_BYTES, Rejected
from app.domain.item_list import (
    TooManyItems,
    items_of_array,
    items_of_broken_array,
    items_of_lines,
)
from app.domain.json_text import holds_unstorable_text

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"


class TooManyEvents(Unprocessable):
    """More events in one body than a batch may have."""

    code, title = "too_many_events", "Too many events in one batch"


def items_of(request: Request, body: bytes) -> tuple[list[bytes | Rejected], bool]:
    """The items of a request, 1 to ``MAX_BATCH``, and whether it is one alone, which has no index.

    Each is an event of ours as bytes, or was refused already.

    Raises:
        BadRequest, UnsupportedMediaType, Unprocessable: the body as a whole cannot be read.
    """
    media_type = request.mimetype
    if media_type not in {"", JSON, NDJSON, cloudevents.STRUCTURED, cloudevents.BATCH}:
        raise UnsupportedMediaType(f"{media_type} is not understood here.")
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    if cloudevents.is_binary(request.headers):
        return [cloudevents.item_of_binary(request.headers, body)], True
    try:
        items = items_of_lines(body) if media_type == NDJSON else _json_items(body)
    except TooManyItems:
        raise TooManyEvents(f"A batch may have {MAX_BATCH} events.") from None
    if not items:
        raise Unprocessable("There is no event in the body.")
    alone = media_type != NDJSON and body.lstrip().startswith(b"{")
    if media_type in {cloudevents.STRUCTURED, cloudevents.BATCH}:
        return [cloudevents.item_of_structured(item) for item in items], alone
    return list(items), alone


def _json_items(body: bytes) -> list[bytes]:
    body = body.strip()
    if body.startswith(b"{"):
        return [_whole_object(body)]
    if not body.startswith(b"["):
        raise BadRequest("The body must be a JSON object or an array of them.")
    try:
        return items_of_array(body)
    except (msgspec.DecodeError, RecursionError) as error:
        # One item that the decoder cannot bear must not take the others with it.
        items = aside(items_of_broken_array, body)
        if items:
            return items
        raise BadRequest(f"{error}.") from None


def _whole_object(body: bytes) -> bytes:
    """A single event; what is no JSON is the request's fault, what cannot be stored is the item's.

    Raises:
        BadRequest: it is no JSON.
    """
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except RecursionError:
        pass
    except msgspec.DecodeError as error:
        if len(body) <= MAX_ITEM_BYTES and not holds_unstorable_text(body):
            raise BadRequest(f"{error}.") from None
    return body
