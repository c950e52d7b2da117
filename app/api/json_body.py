"""A body that is a JSON value of its own: kept as it was written, and decoded to be looked at."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from flask import Request

from app.core.errors import BadRequest, Unprocessable, UnsupportedMediaType
from app.domain.event import MAX_DEPTH
from app.domain.json_text import depth_exceeds, holds_unstorable_text


class JsonBody(NamedTuple):
    """The bytes that were sent, and what they say."""

    raw: bytes
    value: Any


def read(request: Request) -> JsonBody:
    """The body of a request.

    Raises:
        UnsupportedMediaType: it does not say that it is JSON.
        BadRequest: it is none.
        Unprocessable: PostgreSQL cannot hold it, or it is nested too deep.
    """
    if not request.is_json:
        raise UnsupportedMediaType("Send application/json.")
    raw = request.get_data(cache=True).strip()
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is no JSON: {error}.") from None
    if depth_exceeds(raw, MAX_DEPTH):
        raise _wrong(f"It is nested deeper than {MAX_DEPTH}.")
    if holds_unstorable_text(raw):
        raise _wrong("It holds \\u0000 or half of a surrogate pair.")
    return JsonBody(raw, value)


def _wrong(detail: str) -> Unprocessable:
    return Unprocessable("The value is not valid.", errors=[{"pointer": "/", "detail": detail}])
