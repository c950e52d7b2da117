"""The check that shows a lost, repeated or late publish."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.sequence import check


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 20))
def test_a_step_fills_exactly_what_lies_between_the_head_and_the_batch(
    head: int, first: int, count: int
) -> None:
    last = first + count - 1
    step = check(head, first, last)
    fetched = [] if step.gap is None else list(range(step.gap[0], step.gap[1] + 1))
    taken = list(range(first + step.skip, last + 1))
    assert 0 <= step.skip <= count
    if last <= head:
        assert step.gap is None
        assert taken == []
    else:
        assert fetched + taken == list(range(head + 1, last + 1))


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 6)), max_size=25), st.integers(0, 5))
def test_any_batches_in_any_order_bring_every_offset_once(
    batches: list[tuple[int, int]], start: int
) -> None:
    head, seen = start, list[int]()
    for first, count in batches:
        last = first + count - 1
        step = check(head, first, last)
        if step.gap is not None:
            seen += range(step.gap[0], step.gap[1] + 1)
        seen += range(first + step.skip, last + 1)
        head = max(head, last)
    assert seen == list(range(start + 1, head + 1))


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_batch_without_events_shows_a_gap_as_well(head: int, published: int) -> None:
    step = check(head, published + 1, published)
    assert step.gap == ((head + 1, published) if published > head else None)
    assert step.skip == 0
