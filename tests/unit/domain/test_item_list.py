"""Taking bodies and frames apart into items, each still the bytes that were sent."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import MAX_BATCH
from app.domain.item_list import (
    CROWDED,
    TooManyItems,
    items_of_array,
    items_of_broken_array,
    items_of_frame,
    items_of_lines,
)
from tests.unit.domain.json_documents import objects, values, written

ITEM = b'{"type":"x"}'
DEEP = b'{"data":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}"
LONE = b'{"data":{"a":"\\ud800"}}'
separators = st.sampled_from([b",", b" ,\n", b"\t, "])
bodies = st.lists(written(values), max_size=6)


@given(bodies, separators)
def test_an_arrays_items_are_the_bytes_between_its_commas(items: list[bytes], comma: bytes) -> None:
    body = b" [" + comma.join(items) + b"] "
    assert items_of_array(body) == items
    assert items_of_broken_array(body) == items


def test_an_item_that_no_decoder_bears_leaves_the_others_as_they_are() -> None:
    body = b"[%s, %s ,%s]" % (DEEP, ITEM, LONE)
    with pytest.raises((msgspec.DecodeError, RecursionError)):
        items_of_array(body)
    assert items_of_broken_array(body) == [DEEP, ITEM, LONE]


@pytest.mark.parametrize("body", [b"[1", b"[1]2", b"", b"7", b'["never ends'])
def test_what_is_no_array_has_no_items(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        items_of_array(body)
    assert items_of_broken_array(body) == []


@pytest.mark.parametrize("take_apart", [items_of_array, items_of_broken_array])
def test_a_batch_has_a_bound(take_apart: Any) -> None:
    assert len(take_apart(b"[" + b",".join([ITEM] * MAX_BATCH) + b"]")) == MAX_BATCH
    for many in (MAX_BATCH + 1, CROWDED + 2, 200_000):
        with pytest.raises(TooManyItems):
            take_apart(b"[" + b",".join([b"{}"] * many) + b"]")


def test_few_items_with_many_commas_in_them_are_few() -> None:
    crowded = b'{"data":{"a":[%s]}}' % b",".join([b"1"] * (CROWDED + 10))
    assert items_of_array(b"[%s,%s]" % (crowded, ITEM)) == [crowded, ITEM]
    assert items_of_array(b"[%s]" % crowded) == [crowded]


@given(st.lists(written(objects).map(lambda raw: raw.replace(b"\n", b"").replace(b"\r", b""))))
def test_lines_are_items_wherever_there_are_empty_ones(items: list[bytes]) -> None:
    body = b"".join(b"\n \r\n" + item + b" \r\n" for item in items)
    assert items_of_lines(body) == items
    assert items_of_lines(body.strip()) == items


def test_lines_have_the_same_bound() -> None:
    assert len(items_of_lines((ITEM + b"\n\n") * MAX_BATCH)) == MAX_BATCH
    with pytest.raises(TooManyItems):
        items_of_lines(b"{}\n" * (MAX_BATCH + 1))


@given(
    items=st.lists(written(objects), max_size=5),
    place=st.integers(0, 3),
    spacing=st.sampled_from([b"", b" ", b"\n\t"]),
)
def test_a_frame_is_its_items_and_what_is_around_them(
    items: list[bytes], place: int, spacing: bytes
) -> None:
    others = [b'"type":"events"', b'"seq" : 7', b'"note":"\\"items\\":[1,2]"']
    listed = b'"items"' + spacing + b":" + spacing + b"[" + b" ,".join(items) + b"]"
    members = [*others[:place], listed, *others[place:]]
    frame = b"{" + spacing + (spacing + b",").join(members) + spacing + b"}"
    parts = items_of_frame(frame)
    assert parts is not None
    around: dict[str, Any] = json.loads(parts[0])
    assert around == {"type": "events", "seq": 7, "note": '"items":[1,2]', "items": []}
    assert parts[1] == items


def test_of_too_many_items_in_a_frame_one_too_many_are_cut_out() -> None:
    parts = items_of_frame(b'{"items":[' + b",".join([ITEM] * 5000) + b"]}")
    assert parts is not None
    assert parts[1] == [ITEM] * (MAX_BATCH + 1)


@pytest.mark.parametrize(
    "frame",
    [
        b'{"type":"hello"}',
        b'{"items":{"a":1}}',
        b'{"items":7}',
        b'{"a":{"items":[1]}}',
        b'{"type":"events","items":[1]} and more',
        b'{"type":"events","items":[1',
        b'["items",[1]]',
        b"",
    ],
)
def test_a_frame_without_items_has_none(frame: bytes) -> None:
    assert items_of_frame(frame) is None
