"""Holding live events back until history has been read, and what a cursor is worth."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catch_up import Held, covers, unusable
from app.domain.cursor import Cursor

PARTITIONS = 3


class Item(NamedTuple):
    partition: int
    offset: int


def offset_of(item: Item) -> int:
    return item.offset


batches = st.lists(st.tuples(st.integers(0, PARTITIONS - 1), st.integers(1, 4)), max_size=12)
vectors = st.tuples(*[st.integers(0, 12)] * PARTITIONS)


@given(batches, vectors, st.data())
def test_what_is_released_lies_behind_the_cursor_and_keeps_its_order(
    sizes: list[tuple[int, int]], seen: tuple[int, ...], data: st.DataObject
) -> None:
    heads = [0] * PARTITIONS
    held: Held[Item] = Held(1000)
    came: list[Item] = []
    for partition, size in sizes:
        first = heads[partition] + 1
        heads[partition] += size
        items = [Item(partition, offset) for offset in range(first, first + size)]
        # A filter lets only some of a batch through.
        items = [item for item in items if data.draw(st.booleans())]
        held.hold(partition, heads[partition], items)
        came += items
    cursor = Cursor("e", seen)
    assert held.release(cursor, offset_of) == [
        item for item in came if item.offset > seen[item.partition]
    ]
    assert held.release(cursor, offset_of) == []


@given(st.integers(0, 20), st.lists(st.integers(0, 6), max_size=10))
def test_no_more_is_held_than_the_limit(limit: int, sizes: list[int]) -> None:
    held: Held[Item] = Held(limit)
    last = 0
    for size in sizes:
        last += size
        held.hold(0, last, [Item(0, offset) for offset in range(last - size + 1, last + 1)])
    assert held.overflowed == (last > limit)
    released = held.release(Cursor("e", (0,)), offset_of)
    assert len(released) == (0 if held.overflowed else last)


def test_what_has_room_again_holds_again() -> None:
    held: Held[Item] = Held(2)
    start = Cursor("e", (0,))
    for offset in range(1, 9):
        held.hold(0, offset, [Item(0, offset)])
        if offset % 2 == 0:
            assert len(held.release(start, offset_of)) == 2
    assert not held.overflowed


@given(vectors, vectors)
def test_heads_cover_a_cursor_that_has_seen_no_more(
    heads: tuple[int, ...], seen: tuple[int, ...]
) -> None:
    expected = all(seen[p] <= heads[p] for p in range(PARTITIONS))
    assert covers(Cursor("e", heads), Cursor("e", seen)) == expected


HEADS = Cursor("e", (10, 20))
ALL = {0: 0, 1: 0}


@pytest.mark.parametrize(
    ("cursor", "lost", "most", "reason"),
    [
        (Cursor("e", (10, 20)), ALL, 0, None),
        (Cursor("e", (0, 0)), ALL, 30, None),
        (Cursor("e", (0, 0)), ALL, 29, "too_far"),
        (Cursor("d", (10, 20)), ALL, 100, "epoch"),
        (Cursor("e", (10, 20, 0)), ALL, 100, "epoch"),
        (Cursor("e", (10,)), ALL, 100, "epoch"),
        (Cursor("e", (4, 20)), {0: 4, 1: 0}, 100, None),
        (Cursor("e", (3, 20)), {0: 4, 1: 0}, 100, "retention"),
        (Cursor("e", (10, 20)), {0: 10, 1: 20}, 100, None),
        (Cursor("e", (9, 20)), {0: 10}, 100, "retention"),
        (Cursor("e", (3, 0)), {0: 4, 1: 0}, 2, "retention"),
        # Ahead of this process in one partition: nothing is missing there.
        (Cursor("e", (12, 19)), {0: 0, 1: 19}, 1, None),
    ],
)
def test_a_cursor_is_resumed_or_it_is_said_why_not(
    cursor: Cursor, lost: dict[int, int], most: int, reason: str | None
) -> None:
    assert unusable(cursor, HEADS, lost, most) == reason


@given(vectors, vectors, st.tuples(*[st.sets(st.integers(1, 12))] * PARTITIONS), st.integers(0, 30))
def test_a_cursor_that_can_be_resumed_misses_nothing(
    seen: tuple[int, ...], heads: tuple[int, ...], dropped: tuple[set[int], ...], most: int
) -> None:
    gone = [{o for o in dropped[p] if o <= heads[p]} for p in range(PARTITIONS)]
    lost = {p: max(gone[p], default=0) for p in range(PARTITIONS)}
    reason = unusable(Cursor("e", seen), Cursor("e", heads), lost, most)
    wanted = {p: set(range(seen[p] + 1, heads[p] + 1)) for p in range(PARTITIONS)}
    whole = not any(wanted[p] & gone[p] for p in range(PARTITIONS))
    few = sum(map(len, wanted.values())) <= most
    assert reason == (None if whole and few else "retention" if not whole else "too_far")


def test_no_more_bytes_are_held_than_the_limit() -> None:
    held: Held[Item] = Held(1000, limit_bytes=100)
    held.hold(0, 1, [Item(0, 1)], size=100)
    assert not held.overflowed
    held.hold(0, 2, [Item(0, 2)], size=1)
    assert held.overflowed
    assert held.release(Cursor("e", (0,)), offset_of) == []
