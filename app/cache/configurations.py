"""Agents' configurations as they were a moment ago: agents that start read them, all at once."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import Engine

from app.cache.layered import Layered
from app.core.redis import RedisClient
from app.domain.configuration import Configuration
from app.domain.partition import agent_key
from app.storage import configurations

CACHE: Final = "configurations"
MAX_CONFIGURATIONS: Final = 2000
"""With the 64 KiB that one may have, 128 MiB at the most."""


class ConfigurationCache:
    """Looks configurations up by agent."""

    def __init__(self, engine: Engine, redis: RedisClient) -> None:
        self._engine = engine
        self.known = Layered(CACHE, Configuration, redis, entries=MAX_CONFIGURATIONS)

    def find(self, project_id: UUID, agent_id: str) -> Configuration | None:
        """An agent's configuration: as it is, or was five seconds ago at most.

        Raises:
            SQLAlchemyError, NoAnswer: PostgreSQL is out of reach.
        """
        key = agent_key(str(project_id), agent_id)
        return self.known.get(key, lambda: self._find(project_id, agent_id))

    def _find(self, project_id: UUID, agent_id: str) -> Configuration | None:
        with self._engine.connect() as connection:
            return configurations.find(connection, project_id, agent_id)
