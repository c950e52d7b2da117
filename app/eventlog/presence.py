"""Signs of life that are no events, such as pings: gathered in Redis, kept by the sweep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from redis.exceptions import RedisError

from app.core.clock import now_ms
from app.core.logging import get_logger
from app.core.redis import RedisClient
from app.domain.batch import split_key

_KEY: Final = "telltale:presence"
_TAKE_AT_ONCE: Final = 5000
_UNMARKED_AT_MOST: Final = 20_000

log = get_logger(__name__)


class Presence:
    """A sorted set of agent keys by the time that each was last seen."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._unmarked: dict[str, float] = {}

    def seen(self, keys: Iterable[str]) -> None:
        """These agents are there now. What cannot be written is written with the next call."""
        at = float(now_ms())
        marks: dict[Any, Any] = {**self._unmarked, **dict.fromkeys(keys, at)}
        if not marks:
            return
        try:
            self._redis.zadd(_KEY, marks, gt=True)
            self._unmarked = {}
        except RedisError as error:
            # Beyond the bound the oldest go: they are judged by what was seen of them before.
            self._unmarked = dict(list(marks.items())[-_UNMARKED_AT_MOST:])
            log.debug("presence_failed", error=str(error), unmarked=len(self._unmarked))

    def take(self) -> list[tuple[UUID, str, datetime]]:
        """The agents seen since the last call, at most 5,000, the longest ago first."""
        found: Any = self._redis.zpopmin(_KEY, _TAKE_AT_ONCE)
        return [
            (*split_key(key.decode())[1:], datetime.fromtimestamp(at / 1000, UTC))
            for key, at in found
        ]
