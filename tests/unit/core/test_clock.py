"""Moments as the protocol writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_reads_back_and_is_written_as_in_every_record(moment: datetime) -> None:
    text = clock.rfc3339(moment)
    assert text.endswith("Z")
    assert datetime.fromisoformat(text) == moment
    assert msgspec.json.encode(moment).decode() == f'"{text}"'


def test_now_is_in_utc_and_the_same_in_both_forms() -> None:
    now = clock.now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.fromtimestamp(clock.now_ms() / 1000, UTC)) < timedelta(seconds=5)
