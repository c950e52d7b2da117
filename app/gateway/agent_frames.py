"""An agent's frames, decoded: in one pass as a rule, item by item where one of them is bad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from app.core.aside import aside
from app.domain.event import MAX_BATCH, MAX_DEPTH, IncomingEvent, is_visible
from app.domain.item_list import items_of_frame
from app.domain.json_text import depth_exceeds, holds_unstorable_text
from app.gateway.closing import TOO_MANY_EVENTS, CloseNow, bad_frame
from app.gateway.messages import (
    AgentFrame,
    Events,
    Hello,
    RawEvents,
    decode_agent,
    decode_agent_carefully,
)

MAX_META_BYTES: Final = 16 * 1024
LONG_BYTES: Final = 32 * 1024
"""A longer frame is not cut up in the event loop."""

_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(payload: bytes) -> tuple[AgentFrame | RawEvents, Sequence[IncomingEvent | bytes]]:
    """A frame and its items; items stay bytes if they must be looked at one by one.

    Raises:
        CloseNow: it is no frame of the protocol, or holds too many events.
    """
    try:
        frame = decode_agent(payload)
        return frame, frame.items if isinstance(frame, Events) else []
    except _BROKEN:
        pass
    try:
        careful = decode_agent_carefully(payload)
        items = [bytes(item) for item in careful.items] if isinstance(careful, RawEvents) else []
    except msgspec.ValidationError as error:
        raise CloseNow(bad_frame(f"{error}.")) from None
    except _BROKEN as error:
        careful, items = _cut_up(payload, error)
    if len(items) > MAX_BATCH:
        raise CloseNow(TOO_MANY_EVENTS)
    return careful, items


def first_hello(payload: bytes) -> Hello:
    """The hello that a connection begins with.

    Raises:
        CloseNow: it is something else.
    """
    frame, _ = decode(payload)
    if not isinstance(frame, Hello):
        raise CloseNow(bad_frame("The first frame must be hello."))
    if not is_visible(frame.agent_id):
        raise CloseNow(bad_frame("`agent_id` must be visible ASCII."))
    if frame.name is not None and "\0" in frame.name:
        raise CloseNow(bad_frame("`name` holds \\u0000."))
    meta = bytes(frame.meta)
    if len(meta) > MAX_META_BYTES:
        raise CloseNow(bad_frame(f"`meta` may have {MAX_META_BYTES} bytes."))
    if meta != b"null" and not meta.startswith(b"{"):
        raise CloseNow(bad_frame("`meta` must be an object."))
    if holds_unstorable_text(meta) or depth_exceeds(meta, MAX_DEPTH):
        raise CloseNow(bad_frame("`meta` is nested too deep, or holds text that is none."))
    return frame


def _cut_up(payload: bytes, error: Exception) -> tuple[RawEvents, list[bytes]]:
    long = len(payload) > LONG_BYTES
    parts = aside(items_of_frame, payload) if long else items_of_frame(payload)
    if parts is not None:
        try:
            frame = decode_agent_carefully(parts[0])
        except _BROKEN as inner:
            raise CloseNow(bad_frame(f"{inner}.")) from None
        if isinstance(frame, RawEvents) and parts[1]:
            return frame, parts[1]
    raise CloseNow(bad_frame(f"{error}."))
