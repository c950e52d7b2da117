"""A cache of the process over one in Redis that all processes share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec

from app.cache.recent import Found, Recent
from app.cache.shared import Shared
from app.core.redis import RedisClient

Value = TypeVar("Value", bound=msgspec.Struct)


class Layered(Generic[Value]):
    """Values of one ``kind`` by name, as of five seconds ago at most. That there is none is known
    in the process alone.
    """

    def __init__(
        self,
        cache: str,
        kind: type[Value],
        redis: RedisClient,
        *,
        entries: int,
        grace_s: float = 0.0,
    ) -> None:
        self._shared = Shared(redis, cache)
        self._recent: Recent[Value | None] = Recent(cache, entries=entries, grace_s=grace_s)
        self._decode = msgspec.json.Decoder(kind).decode

    def get(self, name: str, find: Callable[[], Value | None]) -> Value | None:
        """The value of this name, or what ``find`` returns if nobody has it at hand.

        Raises:
            SQLAlchemyError, NoAnswer: it cannot be found now, nor was it within its grace.
        """
        return self._recent.get(name, lambda: self._find(name, find))

    def forget(self, names: Iterable[str]) -> None:
        """These have changed: ask PostgreSQL, here and where Redis is looked into."""
        changed = list(names)
        # Redis first, lest the old value come from there again.
        self._shared.forget(changed)
        self._recent.forget(changed)

    def heard(self, names: Iterable[str]) -> None:
        """These have changed, says who has told Redis of it."""
        self._recent.forget(names)

    def doubt(self) -> None:
        """Anything may have changed."""
        self._recent.doubt()

    def _find(self, name: str, find: Callable[[], Value | None]) -> Found[Value | None]:
        def ask() -> bytes | None:
            value = find()
            return None if value is None else msgspec.json.encode(value)

        found = self._shared.get(name, ask)
        return Found(None if found.value is None else self._decode(found.value), found.age_s)
