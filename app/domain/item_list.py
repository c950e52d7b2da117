"""Taking a frame or a body apart into its items, each still the bytes that were sent.

A lone surrogate or deep nesting in one item makes msgspec refuse all of them; the items are then
cut out as text, and each is judged by itself.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from app.domain.event import MAX_BATCH
from app.domain.json_text import split_container

CROWDED: Final = 20_000
"""With this many commas an array may have so many items that reading them all would cost a lot."""

_ITEMS = re.compile(rb'\A"items"\s*:\s*(?=\[)')
_SPACE = re.compile(rb"\s*")
_ABSENT = msgspec.Raw(b"")

_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
# A list is read to its end before its length is checked; this stops at the first item too many.
_decode_few = msgspec.json.Decoder(
    msgspec.defstruct(
        "FewItems",
        [(f"item_{number}", msgspec.Raw, _ABSENT) for number in range(MAX_BATCH)],
        array_like=True,
        forbid_unknown_fields=True,
    )
).decode


class TooManyItems(ValueError):
    """There are more items than a batch may have."""


def items_of_array(body: bytes) -> list[bytes]:
    """The items of a JSON array.

    Raises:
        TooManyItems: more than ``MAX_BATCH``.
        msgspec.DecodeError, RecursionError: the decoder does not bear the body, perhaps only one
            item of it; ``items_of_broken_array`` may find the others.
    """
    if body.count(b",") < CROWDED:
        items = [bytes(item) for item in _decode_items(body)]
    else:
        try:
            few = msgspec.structs.astuple(_decode_few(body))
        except msgspec.ValidationError:
            raise TooManyItems from None
        items = [raw for item in few if (raw := bytes(item))]
    return _bounded(items)


def items_of_broken_array(body: bytes) -> list[bytes]:
    """The same for a body that no decoder bears, cut out as text; empty if it is no whole array.

    Takes long for a large body: not for the event loop.

    Raises:
        TooManyItems: more than ``MAX_BATCH``.
    """
    return _bounded(split_container(body, MAX_BATCH))


def items_of_lines(body: bytes) -> list[bytes]:
    """The lines of NDJSON that hold anything.

    Raises:
        TooManyItems: more than ``MAX_BATCH``.
    """
    items: list[bytes] = []
    at = _past_space(body, 0)
    while at < len(body) and len(items) <= MAX_BATCH:
        end = body.find(b"\n", at)
        end = len(body) if end < 0 else end
        items.append(body[at:end].rstrip())
        at = _past_space(body, end)
    return _bounded(items)


def items_of_frame(frame: bytes) -> tuple[bytes, list[bytes]] | None:
    """An events frame without its items, and the items as written; None if it has none.

    Of more than ``MAX_BATCH`` items it returns the first ones, one too many.
    """
    members = split_container(frame)
    for index, member in enumerate(members):
        match = _ITEMS.match(member)
        if match is not None:
            others = [*members[:index], b'"items":[]', *members[index + 1 :]]
            items = split_container(member[match.end() :], MAX_BATCH)
            return b"{" + b",".join(others) + b"}", items
    return None


def _bounded(items: list[bytes]) -> list[bytes]:
    if len(items) > MAX_BATCH:
        raise TooManyItems
    return items


def _past_space(body: bytes, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at
