"""Lists (protocol §1): ``limit``, an opaque cursor, and ``{"items", "next"}``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from flask import Response

from app.core.errors import BadRequest

T = TypeVar("T")


class Listing(msgspec.Struct):
    """A page, and where to go on; None at the end."""

    items: Sequence[Any]
    next: str | None


def answer(found: Sequence[T], limit: int, place: Callable[[T], tuple[Any, ...]]) -> Response:
    """A page of at most ``limit`` of what was found, which is one more if there is more.

    ``place`` says where an item stands in the order; the cursor is the last one's.
    """
    items = found[:limit]
    following = seal(place(items[-1])) if len(found) > limit else None
    return as_json(Listing(items, following))


def as_json(body: object, status: int = 200) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")


def seal(place: tuple[Any, ...]) -> str:
    """A place in a list as an opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def unseal(cursor: str | None, kind: type[T]) -> T | None:
    """The place that a cursor stands for; ``kind`` is the type of the tuple.

    Raises:
        BadRequest: it is not a cursor of this list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.urlsafe_b64decode(padded), type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise BadRequest("This is not a cursor of this list.") from None
