"""Passwords are checked beside the event loop, and no more of them than can be soon."""

from __future__ import annotations

import gevent
import pytest
from argon2 import PasswordHasher

from app.access.passwords import (
    MAX_WAITING,
    THREADS,
    PasswordCheck,
    TooManySignIns,
    hash_password,
)

HASH = hash_password("right")


@pytest.mark.parametrize(
    ("password_hash", "password", "expected"),
    [(HASH, "right", True), (HASH, "wrong", False), (None, "right", False), ("x", "right", False)],
    ids=["right", "wrong", "no hash", "broken hash"],
)
def test_only_the_password_is_the_password(
    password_hash: str | None, password: str, expected: bool
) -> None:
    assert PasswordCheck().verify(password_hash, password) is expected


def test_a_crowd_is_turned_away_and_the_event_loop_goes_on() -> None:
    check = PasswordCheck()
    # A quarter of the memory, and so of the work, which is enough to wait for.
    quarter = PasswordHasher(memory_cost=16_384).hash("right")
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.001)
            ticks += 1

    ticking = gevent.spawn(tick)
    crowd = [
        gevent.spawn(check.verify, quarter, "right") for _ in range(THREADS + MAX_WAITING + 10)
    ]
    gevent.joinall(crowd)
    gevent.kill(ticking)
    assert [one.value for one in crowd if one.successful()] == [True] * (THREADS + MAX_WAITING)
    turned_away = [one.exception for one in crowd if not one.successful()]
    assert len(turned_away) == 10
    assert all(isinstance(error, TooManySignIns) for error in turned_away)
    assert ticks > THREADS + MAX_WAITING
    assert check.verify(HASH, "right")
