"""An agent's frame in one pass or item by item, and what ends its connection."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import MAX_BATCH, IncomingEvent
from app.gateway.agent_frames import MAX_META_BYTES, decode, first_hello
from app.gateway.closing import CloseNow
from app.gateway.messages import Events, Hello, Ping, RawEvents
from tests.unit.domain.json_documents import values, written

GOOD, BAD = b'{"type":"x"}', b'{"type":"x","nonsense":1}'
LONE = b'{"type":"x","data":{"a":"\\ud800"}}'
DEEP = b'{"type":"x","data":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}"
HELLO: dict[str, Any] = {"type": "hello", "agent_id": "w-1", "role": "worker", "incarnation": 1}


def events(*items: bytes) -> bytes:
    return b'{"type":"events","seq":3,"items":[' + b",".join(items) + b"]}"


def hello(**changes: Any) -> bytes:
    return json.dumps(HELLO | changes).encode()


def closing_code(payload: bytes) -> int | None:
    try:
        decode(payload)
    except CloseNow as close:
        return close.closing.code
    return None


def test_good_items_are_decoded_with_their_frame() -> None:
    frame, items = decode(events(GOOD, GOOD))
    assert isinstance(frame, Events)
    assert all(isinstance(item, IncomingEvent) for item in items)


@pytest.mark.parametrize("odd", [BAD, LONE, DEEP, b"7", b"null"])
def test_an_odd_item_leaves_all_as_they_were_sent(odd: bytes) -> None:
    frame, items = decode(events(GOOD, odd, GOOD))
    assert isinstance(frame, RawEvents)
    assert frame.seq == 3
    assert items == [GOOD, odd, GOOD]


@pytest.mark.parametrize("item", [GOOD, BAD])
def test_a_frame_may_have_so_many_events_and_no_more(item: bytes) -> None:
    assert len(decode(events(*[item] * MAX_BATCH))[1]) == MAX_BATCH
    assert closing_code(events(*[item] * (MAX_BATCH + 1))) == 4504


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b"[]",
        b"{}",
        b'{"type":"bye"}',
        b'{"type":"events","seq":0,"items":[]}',
        b'{"type":"events","seq":1}',
        events(GOOD)[:-1],
        events(GOOD) + b"}",
        b'{"type":"events","seq":1,"more":2,"items":[' + LONE + b"]}",
        b'{"type":"ping","x":"\\ud800"}',
        b"[" * 5000,
    ],
)
def test_what_is_no_frame_ends_the_connection(payload: bytes) -> None:
    assert closing_code(payload) == 4501


@given(st.binary(max_size=60) | written() | written().map(events))
def test_whatever_comes_is_a_frame_or_ends_the_connection(payload: bytes) -> None:
    assert closing_code(payload) in {None, 4501}


@given(written(values))
def test_every_item_is_kept_as_bytes_or_read(item: bytes) -> None:
    _, items = decode(events(GOOD, item))
    assert len(items) == 2


@pytest.mark.parametrize(
    "changes", [{}, {"name": "Ada"}, {"meta": None}, {"meta": {}}, {"meta": {"v": [1, {"é": 2}]}}]
)
def test_a_connection_begins_with_hello(changes: dict[str, Any]) -> None:
    assert isinstance(first_hello(hello(**changes)), Hello)


@pytest.mark.parametrize(
    "payload",
    [
        events(GOOD),
        b'{"type":"ping"}',
        hello(name="nul\x00"),
        hello(meta=[1]),
        hello(meta="text"),
        hello(meta={"a": "\x00"}),
        hello(meta={"a": "x" * MAX_META_BYTES}),
        b'{"type":"hello","agent_id":"w","role":"worker","incarnation":1,"meta":{"a":"\\ud800"}}',
        hello()[:-1] + b',"meta":{"a":' + b"[" * 70 + b"]" * 70 + b"}}",
    ],
)
def test_anything_else_does_not_begin_one(payload: bytes) -> None:
    with pytest.raises(CloseNow) as caught:
        first_hello(payload)
    assert caught.value.closing.code == 4501


@pytest.mark.parametrize("agent_id", ["two words", "é", "new\nline", "a\x7f"])
def test_a_bad_agent_id_is_told_in_words(agent_id: str) -> None:
    with pytest.raises(CloseNow) as caught:
        first_hello(hello(agent_id=agent_id))
    assert "`agent_id` must be visible ASCII." in caught.value.closing.reason


def test_a_ping_has_no_items() -> None:
    frame, items = decode(b'{"type":"ping"}')
    assert isinstance(frame, Ping)
    assert items == []
