"""The caches of one process, and how they hear of what changes.

Whoever changes something says so over the backplane. What was lost on the way, or happened where
nobody says so, is known in five seconds at most: no answer is older than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import gevent
from sqlalchemy import Connection, Engine

from app.backplane.hub import Hub
from app.backplane.messages import Batch, Forgotten
from app.backplane.publish import Publisher
from app.cache import configurations, keys
from app.cache.configurations import ConfigurationCache
from app.cache.keys import KeyCache
from app.cache.layered import Layered
from app.cache.recent import Found, Recent
from app.cache.shared import LOOK_S
from app.core.asking import NoAnswer, ask_in_time
from app.core.logging import get_logger
from app.core.redis import RedisClient
from app.domain.partition import agent_key
from app.storage import agents

MAX_AGENTS: Final = 20_000

log = get_logger(__name__)


class Caches:
    """One instance a process."""

    def __init__(self, engine: Engine, redis: RedisClient) -> None:
        self._engine = engine
        self._publisher = Publisher(redis)
        self.keys = KeyCache(engine, redis)
        self.configurations = ConfigurationCache(engine, redis)
        self._by_name: dict[str, Layered[Any]] = {
            keys.CACHE: self.keys.known,
            configurations.CACHE: self.configurations.known,
        }
        # An agent that is there stays; one that is not may come at any moment.
        self._agents: Recent[bool] = Recent("agents", entries=MAX_AGENTS, worth=bool)

    def attend(self, hub: Hub) -> None:
        """From now on hear what changes elsewhere."""
        hub.on_forgotten.append(self._heard)
        hub.on_batch.append(self._called)
        hub.on_missed.append(self._doubt)

    def has_agent(
        self, project_id: UUID, agent_id: str, connection: Connection | None = None
    ) -> bool:
        """Whether there is such an agent. Whoever holds a connection lends it: who holds one and
        waits for another may wait for somebody who does the same.

        Raises:
            SQLAlchemyError, NoAnswer: PostgreSQL is out of reach.
        """
        return self._agents.get(
            agent_key(str(project_id), agent_id),
            lambda: Found(self._find_agent(project_id, agent_id, connection)),
        )

    def forget(self, cache: str, names: Iterable[str]) -> None:
        """These have changed, and it is committed: forget them here and everywhere."""
        changed = list(names)
        self._by_name[cache].forget(changed)
        try:
            ask_in_time(lambda: self._publisher.publish(Forgotten(cache, changed)), LOOK_S)
        except NoAnswer:
            log.warning("forgotten_untold", cache=cache, names=len(changed))

    def _heard(self, message: Forgotten) -> None:
        cache = self._by_name.get(message.cache)
        if cache is not None:
            cache.heard(message.names)

    def _called(self, batch: Batch) -> None:
        """History tells of changed configurations, also of those that were changed in psql."""
        if batch.called:
            # The hub does not wait for Redis.
            gevent.spawn(self.configurations.known.forget, batch.called)

    def _doubt(self) -> None:
        for cache in self._by_name.values():
            cache.doubt()

    def _find_agent(self, project_id: UUID, agent_id: str, lent: Connection | None) -> bool:
        if lent is not None:
            return agents.exists(lent, project_id, agent_id)
        with self._engine.connect() as connection:
            return agents.exists(connection, project_id, agent_id)
