"""Whose limit holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.rate_limit import NOTHING_OF_ITS_OWN, OwnLimit, RateLimit, effective

DEFAULT = RateLimit(1000.0, 5000)


def test_the_setting_holds_where_nobody_has_anything_of_its_own() -> None:
    assert effective(DEFAULT) == DEFAULT
    assert effective(DEFAULT, NOTHING_OF_ITS_OWN, NOTHING_OF_ITS_OWN) == DEFAULT


def test_the_agent_goes_before_its_project_in_each_of_the_two() -> None:
    project, agent = OwnLimit(50.0, 100), OwnLimit(None, 7)
    assert effective(DEFAULT, project) == RateLimit(50.0, 100)
    assert effective(DEFAULT, project, agent) == RateLimit(50.0, 7)
    assert effective(DEFAULT, project, OwnLimit(5.0, None)) == RateLimit(5.0, 100)


numbers = st.none() | st.integers(1, 10_000_000)
limits = st.builds(OwnLimit, st.none() | st.floats(0.1, 1_000_000), numbers)


@given(st.lists(limits, max_size=3))
def test_a_bucket_always_holds_what_comes_in_ten_milliseconds(own: list[OwnLimit]) -> None:
    events_per_s, burst = effective(DEFAULT, *own)
    assert burst >= events_per_s / 100
    assert burst >= 1
