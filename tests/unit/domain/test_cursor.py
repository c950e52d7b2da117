"""The cursor: a text that names a place in every partition and never goes back."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.cursor import Cursor, CursorInvalid

offsets = st.integers(0, 2**40)
cursors = st.builds(
    Cursor,
    st.text(max_size=36),
    st.lists(offsets, min_size=1, max_size=16).map(tuple),
)
vectors = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.tuples(*[offsets] * n), st.lists(st.tuples(st.integers(0, n - 1), offsets), max_size=9)
    )
)


def packed(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


@given(cursors)
def test_a_cursor_reads_back_from_its_text(cursor: Cursor) -> None:
    text = str(cursor)
    assert Cursor.parse(text) == cursor
    # It stands unescaped in URLs, JSON and the lines of an event stream.
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_longest_cursor_that_an_installation_reaches_reads_back() -> None:
    cursor = Cursor("0199e1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5f", (9_999_999_999,) * 256)
    assert Cursor.parse(str(cursor)) == cursor


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
@example("é")
@example("A")
@example("[" * 4000)
def test_a_text_that_is_no_cursor_is_refused_as_one(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except CursorInvalid:
        return
    assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a cursor",
        packed({}),
        packed(["epoch"]),
        packed(["epoch", []]),
        packed(["epoch", [-1]]),
        packed(["epoch", [2**63]]),
        packed(["epoch", [10**30]]),
        packed(["epoch", [1.5]]),
        packed(["epoch", ["1"]]),
        packed(["epoch", [True]]),
        packed(["epoch", [None]]),
        packed([7, [1]]),
        packed(["epoch", [1], "more"]),
        packed(["epoch", [0] * 257]),
        packed(["e" * 9000, [1]]),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
        base64.urlsafe_b64encode(b'["\xff",[1]]').decode(),
    ],
)
def test_what_we_never_gave_out_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorInvalid):
        Cursor.parse(text)


@given(vectors)
def test_a_cursor_never_goes_back(
    case: tuple[tuple[int, ...], list[tuple[int, int]]],
) -> None:
    start, places = case
    cursor = Cursor("e", start)
    for partition, offset in places:
        moved = cursor.advance(partition, offset)
        assert moved.offsets[partition] == max(cursor.offsets[partition], offset)
        assert moved.epoch == cursor.epoch
        assert all(
            there == here
            for other, (here, there) in enumerate(zip(cursor.offsets, moved.offsets, strict=True))
            if other != partition
        )
        cursor = moved
    assert Cursor("e", start).after(places) == cursor


@given(vectors)
def test_what_was_missed_lies_behind_the_cursor(
    case: tuple[tuple[int, ...], list[tuple[int, int]]],
) -> None:
    start, places = case
    before = Cursor("e", start)
    head = before.after(places)
    assert before.missed(head) == sum(head.offsets) - sum(start)
    assert head.missed(before) == 0
    assert head.missed(head) == 0


@given(st.dictionaries(st.integers(0, 7), offsets))
def test_a_partition_that_is_not_named_is_at_its_beginning(heads: dict[int, int]) -> None:
    cursor = Cursor.at("e", heads, 8)
    assert dict(enumerate(cursor.offsets)) == {**dict.fromkeys(range(8), 0), **heads}
