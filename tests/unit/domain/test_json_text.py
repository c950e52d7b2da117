"""Looking at JSON as text, against what a decoder makes of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.json_text import depth_exceeds, holds_unstorable_text, split_container
from tests.unit.domain.json_documents import values, written

arrays = st.lists(values, max_size=5)
mappings = st.dictionaries(st.text(max_size=6), values, max_size=5)
escapes = st.lists(
    st.sampled_from(
        (
            *(r"\u0000", r"\u0001", r"\ud83d", r"\ude00", r"\uD800", r"\udfff", r"\ue000"),
            *("\\\\", r"\"", r"\n", r"\/", "u0000", "ud800", "a", "é", "😀"),
        )
    ),
    max_size=8,
).map("".join)


def depth_of(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, list | dict) + max(map(depth_of, inside), default=0)


def strings_of(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for inner in value for text in strings_of(inner)]
    if isinstance(value, dict):
        return [text for pair in value.items() for inner in pair for text in strings_of(inner)]
    return []


@given(escapes, escapes)
def test_unstorable_text_is_what_decodes_to_a_nul_or_half_a_pair(key: str, text: str) -> None:
    raw = f'{{"{key}": [1, "{text}"], "t": {{"{text}": "{key}"}}}}'
    decoded = "".join(strings_of(json.loads(raw)))
    unstorable = any(c == "\x00" or 0xD800 <= ord(c) <= 0xDFFF for c in decoded)
    # Two halves in neighbouring strings are not a pair, so each string is looked at by itself.
    assert holds_unstorable_text(raw.encode()) == unstorable


@given(written(), st.integers(0, 6))
def test_depth_is_what_a_decoder_counts(raw: bytes, limit: int) -> None:
    assert depth_exceeds(raw, limit) == (depth_of(json.loads(raw)) > limit)


@given(written(arrays))
def test_an_arrays_members_are_its_items(raw: bytes) -> None:
    assert [json.loads(member) for member in split_container(raw)] == json.loads(raw)


@given(written(mappings))
def test_an_objects_members_put_together_are_the_object(raw: bytes) -> None:
    assert json.loads(b"{" + b",".join(split_container(raw)) + b"}") == json.loads(raw)


@given(written(arrays), st.sampled_from([b"", b" ", b"\n\t "]))
def test_members_are_cut_without_the_space_around_them(raw: bytes, space: bytes) -> None:
    members = split_container(space + raw + space)
    assert members == [member.strip() for member in members]
    assert members == split_container(raw)


@given(written(arrays), st.integers(0, 6))
def test_a_bounded_look_ends_with_the_first_member_too_many(raw: bytes, most: int) -> None:
    members = split_container(raw)
    assert split_container(raw, most)[: most + 1] == members[: most + 1]
    assert len(split_container(b"[" + b"{}," * 50_000 + b"{}]", most)) == most + 1


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"  ", b"7", b'"[1,2]"', b"null"),
        *(b"[]", b"{ }", b"[1,2", b'{"a":[1}', b'["never ends', b'["\\'),
        *(b"x [1,2]", b"[1,2] x", b"[1][2]", b"][1]", b'"a"[1]'),
    ],
)
def test_what_is_not_one_whole_container_has_no_members(raw: bytes) -> None:
    assert split_container(raw) == []


@given(
    st.binary(max_size=60) | st.text(st.sampled_from('[]{},"\\ 1a'), max_size=40).map(str.encode)
)
@example(b'{"a":"\\')
def test_no_text_is_too_broken_to_look_at(raw: bytes) -> None:
    split_container(raw)
    depth_exceeds(raw, 3)
    holds_unstorable_text(raw)


@pytest.mark.parametrize("text", [b'\\"', b'"', b"\\", b'"\\', b"[", b"{", b'["', b"\\ud800"])
def test_hostile_text_takes_no_longer_than_its_length(text: bytes) -> None:
    raw = b'{"items":["' + text * 100_000
    started = time.process_time()
    split_container(raw)
    holds_unstorable_text(raw)
    # If every quote were tried to the end again, this would take minutes.
    assert time.process_time() - started < 3
