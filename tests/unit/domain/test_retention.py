"""The weeks of history that there should be tables for."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain import event
from app.domain.retention import WEEK, ranges_to_keep

moments = st.datetimes(datetime.fromisoformat("2024-01-01"), timezones=st.just(UTC))
retentions = st.integers(1, 3650).map(lambda days: timedelta(days=days))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


@given(moments, retentions)
def test_weeks_from_monday_to_monday_without_a_hole(now: datetime, retention: timedelta) -> None:
    ranges = ranges_to_keep(now.date(), retention)
    assert all(each.start.weekday() == 0 and each.end - each.start == WEEK for each in ranges)
    assert all(a.end == b.start for a, b in pairwise(ranges))


@given(moments, retentions)
def test_every_event_that_may_come_has_a_table(now: datetime, retention: timedelta) -> None:
    ranges = ranges_to_keep(now.date(), retention)
    oldest = now - min(retention, event.BEHIND)
    # The tables are looked after every hour; a clock that stands still for two weeks does no harm.
    newest = now + event.AHEAD + timedelta(days=14)
    assert midnight(ranges[0].start) <= oldest
    assert newest < midnight(ranges[-1].end)


@given(moments, retentions)
def test_nothing_is_dropped_that_should_be_kept_and_little_is_kept_longer(
    now: datetime, retention: timedelta
) -> None:
    first = midnight(ranges_to_keep(now.date(), retention)[0].start)
    assert first <= now - retention
    assert first > now - retention - timedelta(days=9)


def test_a_calm_week_needs_no_new_table() -> None:
    monday = date(2026, 11, 23)
    weeks = {tuple(ranges_to_keep(monday + timedelta(days=n), timedelta(days=35))) for n in (2, 6)}
    assert len(weeks) == 1
