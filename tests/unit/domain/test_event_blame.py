"""Which item is refused, and which of its fields is to blame."""

from __future__ import annotations

import time

import msgspec
import pytest

from app.domain.event import EventRejected, IncomingEvent, Rejected, read_item
from app.domain.event_blame import id_of, pointer_of


def refusal(raw: bytes) -> Rejected:
    with pytest.raises(EventRejected) as refused:
        read_item(raw)
    return refused.value.rejected


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"id":"e1","type":"a","task_id":"\ud800"}',
        rb'{"type":"a","data":{"id":"inner","a":[1,{"id":"x"}],"text":"\ud800"}, "id" : "e1" }',
        b'{"id":"e1","data":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"id":"e1","data":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
        b'{"id":"e1","type":"a"',
        rb'{"note":"\"id\":\"no\"","id":"\u0065\u0031","text":"\udfff"}',
    ],
)
def test_the_id_is_found_in_what_no_decoder_bears(raw: bytes) -> None:
    assert refusal(raw).id == "e1"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        rb'"\ud800"',
        rb'[{"id":"e1"},"\ud800"]',
        rb'{"data":{"id":"inner"},"text":"\ud800"}',
        rb'{"a":"id","b":"\ud800"}',
        rb'{"id":"\ud800"}',
        rb'{"id":7,"text":"\ud800"}',
        rb'{"id":"%s","text":"\ud800"}' % (b"x" * 65),
        b'{"data":' + b"[" * 30_000 + b"]" * 30_000 + b',"id":"far"}',
    ],
)
def test_nothing_else_is_taken_for_an_id(raw: bytes) -> None:
    assert id_of(raw) is None


def test_hostile_text_takes_no_long() -> None:
    started = time.monotonic()
    for raw in (b"[" * 2_000_000, b'{"' * 1_000_000, b'{"id":"' + b"\\" * 2_000_001):
        assert id_of(raw) is None
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"type":"a","severity":"fatal"}', "/severity"),
        (b'{"type":7}', "/type"),
        (b"{}", "/type"),
        (b'{"type":"a","s/u~r":1}', "/s~1u~0r"),
        (b"[]", ""),
    ],
)
def test_the_field_is_pointed_at(raw: bytes, pointer: str) -> None:
    assert refusal(raw).pointer == pointer
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(raw, type=IncomingEvent)
    assert pointer_of(error.value) == pointer
