"""Pages by bytes: whatever the events weigh, a page has about as much."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.paging import FEWEST_EVENTS, FIRST_EVENTS, PAGE_BYTES, PageSize


@given(st.integers(1, 5000), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 10**9))))
def test_a_page_is_never_more_than_asked_for_and_never_nothing(
    most: int, pages: list[tuple[int, int]]
) -> None:
    size = PageSize(most)
    assert 1 <= size.events <= most
    for events, weight in pages:
        size.learn(events, weight)
        assert min(most, FEWEST_EVENTS, FIRST_EVENTS) <= size.events <= most


@pytest.mark.parametrize("weight", [300, 5_000, 65_536])
def test_a_page_comes_to_weigh_what_it_should(weight: int) -> None:
    size = PageSize(100_000)
    size.learn(size.events, size.events * weight)
    assert PAGE_BYTES / 2 < size.events * weight <= PAGE_BYTES


def test_nothing_is_learnt_from_nothing() -> None:
    size = PageSize(1000)
    size.learn(0, 0)
    assert size.events == FIRST_EVENTS
