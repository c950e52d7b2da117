"""Agents' configurations as they were a moment ago: agents that start read them, all at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from app.cache.recent import Found, Recent
from app.cache.shared import MAX_VALUE_BYTES, Shared
from app.core.redis import RedisClient
from app.domain.configuration import Configuration
from app.domain.partition import agent_key
from app.storage import configurations

CACHE: Final = "configurations"
MAX_CONFIGURATIONS: Final = 5000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Configuration).decode


class ConfigurationCache:
    """Looks configurations up by agent. That there is none is known too."""

    def __init__(self, engine: Engine, redis: RedisClient) -> None:
        self._engine = engine
        self._shared = Shared(redis, CACHE)
        self.recent: Recent[Configuration | None] = Recent(
            CACHE, entries=MAX_CONFIGURATIONS, worth=_small
        )

    def find(self, project_id: UUID, agent_id: str) -> Configuration | None:
        """An agent's configuration: as it is, or was five seconds ago at most.

        Raises:
            SQLAlchemyError, NoAnswer: PostgreSQL is out of reach.
        """
        key = agent_key(str(project_id), agent_id)
        return self.recent.get(key, lambda: self._find(key, project_id, agent_id))

    def forget(self, keys: Iterable[str]) -> None:
        """The configurations of these agents have changed: ask PostgreSQL, here and elsewhere."""
        names = list(keys)
        self._shared.forget(names)
        self.recent.forget(names)

    def _find(self, key: str, project_id: UUID, agent_id: str) -> Found[Configuration | None]:
        def ask() -> bytes | None:
            with self._engine.connect() as connection:
                found = configurations.find(connection, project_id, agent_id)
            return None if found is None else _encode(found)

        found = self._shared.get(key, ask)
        return Found(None if found.value is None else _decode(found.value), found.age_s)


def _small(found: Configuration | None) -> bool:
    return found is None or len(bytes(found.value)) <= MAX_VALUE_BYTES
