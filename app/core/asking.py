"""Asking PostgreSQL or Redis in bounded time: a server that stands still answers nobody, ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import gevent
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

Answer = TypeVar("Answer")

ANSWER_S: Final = 3.0


class NoAnswer(Exception):
    """Whoever was asked has not answered in time."""


OUT_OF_REACH: Final = (SQLAlchemyError, RedisError, NoAnswer)


def ask_in_time(ask: Callable[[], Answer], seconds: float = ANSWER_S) -> Answer:
    """What ``ask`` returns. A connection that it was waiting on is not used again.

    Raises:
        NoAnswer: it has not returned in time.
    """
    limit = gevent.Timeout(seconds)
    try:
        with limit:
            return ask()
    except gevent.Timeout as over:
        if over is not limit:
            raise
        raise NoAnswer(f"There was no answer for {seconds:g} s.") from None
