"""Cutting the items out of an events frame that cannot be decoded as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.item_list import items_of_frame
from tests.unit.domain.json_documents import objects, written


@given(
    items=st.lists(written(objects), max_size=5),
    others=st.permutations([b'"type":"events"', b'"seq" : 7', b'"note":"\\"items\\":[1,2]"']),
    place=st.integers(0, 3),
    spacing=st.sampled_from([b"", b" ", b"\n\t"]),
)
def test_a_frame_is_its_items_and_what_is_around_them(
    items: list[bytes], others: list[bytes], place: int, spacing: bytes
) -> None:
    listed = b'"items"' + spacing + b":" + spacing + b"[" + b" ,".join(items) + b"]"
    members = [*others[:place], listed, *others[place:]]
    frame = b"{" + spacing + (spacing + b",").join(members) + spacing + b"}"
    parts = items_of_frame(frame)
    assert parts is not None
    around: dict[str, Any] = json.loads(parts[0])
    assert around == {"type": "events", "seq": 7, "note": '"items":[1,2]', "items": []}
    assert parts[1] == items


def test_an_item_that_no_decoder_takes_leaves_the_others_as_they_are() -> None:
    deep = b'{"data":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}"
    lone = b'{"data":{"a":"\\ud800"}}'
    good = b'{"type":"x"}'
    frame = b'{"type":"events","seq":1,"items":[%s, %s ,%s]}' % (deep, good, lone)
    parts = items_of_frame(frame)
    assert parts is not None
    assert parts[1] == [deep, good, lone]


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
