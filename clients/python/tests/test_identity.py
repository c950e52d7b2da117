"""Identifiers and delays: UUIDv7, and full-jitter back-off."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from telltale_client.backoff import LONGEST_FLOOR_S, Backoff
from telltale_client.uuid7 import Uuid7Source


def test_identifiers_are_uuid7_of_now() -> None:
    before = time.time_ns() // 1_000_000
    made = UUID(Uuid7Source()())
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert before <= made.int >> 80 <= time.time_ns() // 1_000_000


def test_identifiers_grow_also_within_a_millisecond_and_across_threads() -> None:
    source = Uuid7Source()
    one_by_one = [source() for _ in range(20_000)]
    assert one_by_one == sorted(set(one_by_one))
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: [source() for _ in range(2_000)], range(4)))
    assert all(run == sorted(run) for run in runs)
    assert len({made for run in runs for made in run}) == 8_000


def test_a_renewed_source_goes_on() -> None:
    source = Uuid7Source()
    first = source()
    source.renew()
    assert source() != first


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 200), st.floats(-5, 1e9))
def test_delays_lie_between_the_floor_and_the_ceiling(
    draw: float, attempts: int, floor_s: float
) -> None:
    backoff = Backoff(draw=lambda: draw)
    for attempt in range(attempts):
        assert backoff.next_delay() == draw * min(30.0, 2.0**attempt)
    floor = min(max(floor_s, 0.0), LONGEST_FLOOR_S)
    ceiling = min(30.0, 2.0 ** min(attempts, 10))
    assert floor <= backoff.next_delay(floor_s) <= floor + ceiling
    backoff.reset()
    assert backoff.next_delay() <= 1.0
