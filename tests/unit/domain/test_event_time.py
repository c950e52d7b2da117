"""An event's time: the sender's, its id's, or the server's, and how far off it may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import AHEAD, BEHIND
from tests.unit.domain.door import NOW, code, come_in, item, refusal

MICROSECOND = timedelta(microseconds=1)
days_around = st.timedeltas(-BEHIND - timedelta(days=5), timedelta(days=5)) | st.timedeltas(
    -2 * AHEAD, 2 * AHEAD
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def uuid7_at(moment: datetime) -> str:
    milliseconds = int(moment.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 0x7000 << 64 | 0x8000 << 48))


@given(days_around, zones)
def test_a_time_from_30_days_back_to_5_minutes_ahead_is_kept_to_the_microsecond(
    off: timedelta, zone: timezone
) -> None:
    moment = (NOW + off).astimezone(zone)
    raw = item(time=moment.isoformat())
    if NOW - BEHIND <= moment <= NOW + AHEAD:
        event = come_in(raw)
        assert event.time == moment
        assert event.time.tzinfo is UTC
    else:
        assert code(raw) == "time_out_of_range"


@pytest.mark.parametrize(
    ("moment", "refused"),
    [
        (NOW + AHEAD, False),
        (NOW + AHEAD + MICROSECOND, True),
        (NOW - BEHIND, False),
        (NOW - BEHIND - MICROSECOND, True),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), True),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-14))), True),
    ],
)
def test_the_edges_of_what_is_taken(moment: datetime, refused: bool) -> None:
    assert (code(item(time=moment.isoformat())) == "time_out_of_range") is refused


def test_the_refusal_says_which_way_the_time_is_off() -> None:
    ahead = refusal(item(time=(NOW + timedelta(hours=1)).isoformat()))
    back = refusal(item(time=(NOW - timedelta(days=3)).isoformat()), behind=timedelta(days=2))
    assert ahead is not None
    assert back is not None
    assert "5 minutes ahead" in ahead.detail
    assert "2 days back" in back.detail


def test_history_that_is_kept_for_less_takes_nothing_older() -> None:
    raw = item(time=(NOW - timedelta(days=3)).isoformat())
    assert refusal(raw, behind=timedelta(days=4)) is None
    assert refusal(raw, behind=timedelta(days=2)) is not None


@pytest.mark.parametrize(
    "text", ["2026-11-23T10:00:00", "2026-11-23", "10:00", "yesterday", "2026-02-30T00:00:00Z", ""]
)
def test_a_time_without_a_zone_or_that_is_none_is_refused(text: str) -> None:
    assert code(item(time=text)) == "invalid_event"


@given(st.timedeltas(-BEHIND + timedelta(seconds=1), AHEAD))
def test_without_a_time_a_uuid7_tells_its_own(since: timedelta) -> None:
    moment = NOW + since
    event = come_in(item(id=uuid7_at(moment)))
    assert moment - timedelta(milliseconds=1) < event.time <= moment


def test_a_given_time_goes_before_the_ids() -> None:
    given_time = NOW - timedelta(days=1)
    assert come_in(item(id=uuid7_at(NOW), time=given_time.isoformat())).time == given_time


@pytest.mark.parametrize(
    "event_id",
    [
        "order-1",
        "c0ffee00-0000-4000-8000-000000000000",
        uuid7_at(NOW + timedelta(days=400)),
        uuid7_at(NOW - timedelta(days=400)),
        uuid7_at(NOW)[:-1] + "g",
        uuid7_at(NOW).replace("-", "_"),
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
    ],
)
def test_an_id_that_is_no_uuid7_or_tells_a_time_far_off_leaves_the_servers(event_id: str) -> None:
    assert come_in(item(id=event_id)).time == NOW
