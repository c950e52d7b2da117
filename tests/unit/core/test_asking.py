"""Asking in bounded time."""

from __future__ import annotations

import gevent
import pytest

from app.core.asking import NoAnswer, ask_in_time


def test_an_answer_is_passed_on() -> None:
    assert ask_in_time(lambda: "yes", 1) == "yes"


def test_whoever_stands_still_is_not_waited_for() -> None:
    with pytest.raises(NoAnswer):
        ask_in_time(lambda: gevent.sleep(60), 0.01)


def test_a_limit_of_somebody_else_is_theirs() -> None:
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.01):
        ask_in_time(lambda: gevent.sleep(60), 60)
