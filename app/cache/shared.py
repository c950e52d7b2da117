"""What the processes tell each other of PostgreSQL, in Redis, for seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from app.cache.recent import FRESH_S, Found
from app.core import metrics
from app.core.asking import OUT_OF_REACH, ask_in_time
from app.core.logging import get_logger
from app.core.redis import RedisClient

LOOK_S: Final = 0.25
"""Redis is asked to save time; one that takes longer is left alone for ``REST_S``."""

REST_S: Final = 1.0

SHARED_S: Final = FRESH_S / 2
"""Younger than what a process asks anew for, so that it never gets back what it has already."""

MAX_VALUE_BYTES: Final = 8 * 1024
"""A larger value each process reads from PostgreSQL itself."""

CHANGED: Final = b""
"""Stands for what has just changed: who read the old value meanwhile cannot put it there."""

log = get_logger(__name__)


class Shared:
    """Values by name, each for ``SHARED_S`` from the moment when it was read from PostgreSQL."""

    def __init__(self, redis: RedisClient, cache: str) -> None:
        self._redis = redis
        self._prefix = f"telltale:cache:{cache}:"
        self._leave_alone_until = 0.0
        self._hits = metrics.cache_lookups.labels(cache, "redis")
        self._misses = metrics.cache_lookups.labels(cache, "postgres")

    def get(self, name: str, ask: Callable[[], bytes | None]) -> Found[bytes | None]:
        """The value, from ``ask`` if Redis has none. None is an answer too, and not kept here.

        Raises:
            What ``ask`` raises. That Redis is out of reach is no error.
        """
        started = time.monotonic()
        kept, left_ms = self._look(name)
        if kept:
            self._hits.inc()
            return Found(kept, max(0.0, SHARED_S - left_ms / 1000))
        self._misses.inc()
        value = ask()
        if kept is None and value is not None and len(value) <= MAX_VALUE_BYTES:
            left_s = SHARED_S - (time.monotonic() - started)
            self._put(name, value, left_s)
        return Found(value)

    def forget(self, names: Sequence[str]) -> None:
        """These have changed in PostgreSQL. If Redis does not hear of it, they are old soon."""
        px = round(FRESH_S * 1000)

        def send() -> None:
            with self._redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.set(self._prefix + name, CHANGED, px=px)
                pipe.execute()

        self._ask(send)

    def _look(self, name: str) -> tuple[bytes | None, int]:
        """(the value, the milliseconds that it has left); CHANGED if Redis is not to be used."""

        def look() -> Any:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.get(self._prefix + name)
                pipe.pttl(self._prefix + name)
                return pipe.execute()

        return self._ask(look) or (CHANGED, 0)

    def _put(self, name: str, value: bytes, left_s: float) -> None:
        px = round(left_s * 1000)
        if px > 0:
            self._ask(lambda: self._redis.set(self._prefix + name, value, px=px, nx=True))

    def _ask(self, ask: Callable[[], Any]) -> Any:
        if time.monotonic() < self._leave_alone_until:
            return None
        try:
            return ask_in_time(ask, LOOK_S)
        except OUT_OF_REACH as error:
            self._leave_alone_until = time.monotonic() + REST_S
            log.warning("cache_out_of_reach", error=str(error).split("\n")[0])
            return None
