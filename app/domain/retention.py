"""Which weeks of history there should be tables for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

WEEK = timedelta(days=7)
AHEAD = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Range:
    """From the start (inclusive, a Monday) to the end (exclusive), both at midnight UTC."""

    start: date
    end: date


def ranges_to_keep(today: date, retention: timedelta) -> list[Range]:
    """The weeks from the oldest that holds an event still kept, to three weeks ahead."""
    start = _monday(today - retention - timedelta(days=1))
    ranges = []
    while start <= today + AHEAD:
        ranges.append(Range(start, start + WEEK))
        start += WEEK
    return ranges


def week_of(day: date) -> Range:
    """The week that holds a day."""
    start = _monday(day)
    return Range(start, start + WEEK)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
