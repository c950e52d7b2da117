"""An event's data: an object, not too large, not too deep, and kept byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.event import (
    MAX_DATA_BYTES,
    MAX_DEPTH,
    MAX_ITEM_BYTES,
    decode_event,
    encode_event,
)
from tests.unit.domain.door import NOW, code, come_in, item, item_with_data, refusal
from tests.unit.domain.json_documents import objects, storable, values, written


@given(written(objects))
@example(b'{ "a" : [ 1 , 1.0, 1e5,\t-0 ] }')
@example('{"é":"\\u00e9\\/ \U0001f600 \\ud83d\\ude00"}'.encode())
@example(b'{"a":1,"a":2}')
@example(b'{"n":123456789012345678901234567890.10,"huge":1e999}')
def test_data_travels_as_the_bytes_that_were_sent(data: bytes) -> None:
    if not storable(json.loads(data)):
        assert code(item_with_data(data)) == "invalid_text"
        return
    event = come_in(item_with_data(data))
    assert bytes(event.data) == data
    again = decode_event(encode_event(event))
    assert bytes(again.data) == data
    assert encode_event(again) == encode_event(event)


@given(values)
def test_data_is_an_object(value: Any) -> None:
    if not isinstance(value, dict):
        assert code(item(data=value)) == "invalid_event"


def test_missing_data_is_an_empty_object() -> None:
    assert bytes(come_in(item()).data) == b"{}"


@pytest.mark.parametrize("over", [0, 1])
def test_data_may_have_64_kib(over: int) -> None:
    frame = b'{"a":"%s"}'
    data = frame % (b"x" * (MAX_DATA_BYTES - len(frame % b"") + over))
    assert len(data) == MAX_DATA_BYTES + over
    assert code(item_with_data(data)) == ("data_too_large" if over else None)


def test_an_item_much_larger_than_its_data_may_be_is_not_even_decoded() -> None:
    raw = b'{"type":"x","id":"mine","task_id":"%s"}' % (b"x" * MAX_ITEM_BYTES)
    refused = refusal(raw)
    assert refused is not None
    assert (refused.code, refused.id) == ("data_too_large", "mine")


def test_the_largest_data_fits_with_every_other_field_at_its_longest() -> None:
    frame = b'{"a":"%s"}'
    data = frame % (b"x" * (MAX_DATA_BYTES - len(frame % b"")))
    texts = {"task_id": "\u20ac" * 128, "trace_id": "\u20ac" * 128, "id": "i" * 64}
    raw = item(type="t" * 64, agent_id="a" * 128, time=NOW.isoformat(), **texts)
    assert code(raw[:-1] + b',"data":' + data + b"}", agent_id=None) is None


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_data_may_be_64_levels_deep(opening: bytes, depth: int) -> None:
    closing = {b"[": b"]"}.get(opening, b"}")
    inner = depth - 1
    data = b'{"a":' + opening * inner + b"1" + closing * inner + b"}"
    assert code(item_with_data(data)) == ("too_deep" if depth > MAX_DEPTH else None)


def test_wide_is_not_deep() -> None:
    assert code(item(data={"rows": [[n] for n in range(500)], "text": "[[{{" * 100})) is None


def test_nesting_that_no_decoder_bears_is_too_deep_as_well() -> None:
    assert code(item_with_data(b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}")) == "too_deep"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (rb"\u0000", True),
        (rb"\\u0000", False),
        (rb"\\\u0000", True),
        (rb"\\\\u0000", False),
        (rb"\u00000", True),
        (rb"\u0001", False),
        (rb"\ud83d\ude00", False),
        (rb"\uD83D\uDE00", False),
        (rb"\ud83d", True),
        (rb"\ude00", True),
        (rb"\ude00\ud83d", True),
        (rb"\ud83d\ud83d\ude00", True),
        (rb"\ud83d \ude00", True),
        (rb"\ud83d\\ude00", True),
        (rb"\ud83d\n\ude00", True),
        (rb"\\ud83d", False),
    ],
)
def test_text_that_cannot_be_stored_is_refused(text: bytes, refused: bool) -> None:
    expected = "invalid_text" if refused else None
    assert code(item_with_data(b'{"text":"%s"}' % text)) == expected
    assert code(item_with_data(b'{"%s":{}}' % text)) == expected
    assert code(item_with_data(b'{"text":["%s"]}' % text)) == expected


@pytest.mark.parametrize("field", ["id", "agent_id", "task_id", "trace_id"])
def test_a_lone_surrogate_in_another_field_is_refused_by_that_name(field: str) -> None:
    raw = b'{"type":"test.happened","%s":"\\ud800"}' % field.encode()
    assert code(raw) == "invalid_text"


@pytest.mark.parametrize(
    "data",
    [
        *(rb'{"a":"%s"}' % bytes([byte]) for byte in (0x00, 0x0A, 0x1E, 0x1F)),
        *(rb'{"a":%s}' % word for word in (b"01", b"1.", b"1e", b"-", b"NaN", b"tru", b"'1'")),
        *(b'{"a":1,}', b'{"a"}', b'{"a":1}}', b"{\x0b}", rb'{"a":"\x"}', rb'{"a":"\u12"}'),
    ],
)
def test_data_that_is_no_json_is_refused(data: bytes) -> None:
    # Above all a raw 0x1E: the log puts it between records.
    assert code(item_with_data(data)) == "invalid_event"


@given(st.binary(max_size=40) | written())
def test_whatever_comes_is_an_event_or_is_refused(raw: bytes) -> None:
    refusal(raw)
    refusal(item_with_data(raw))


@given(written(objects))
def test_a_record_never_holds_the_byte_between_records(data: bytes) -> None:
    if storable(json.loads(data)):
        assert b"\x1e" not in encode_event(come_in(item_with_data(data)))
