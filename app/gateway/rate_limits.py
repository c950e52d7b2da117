"""Each agent's rate limit, known without asking: those that differ are read every few seconds."""

from __future__ import annotations

from typing import Any, Final

import gevent
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.core.logging import get_logger
from app.domain.partition import project_of
from app.domain.rate_limit import NOTHING_OF_ITS_OWN, RateLimit, effective
from app.storage import rate_limits

READ_EVERY_S: Final = 4.0

log = get_logger(__name__)


class RateLimits:
    """An agent's limit goes before its project's, and that before the setting.

    A change holds within five seconds. While PostgreSQL is away, what was known last holds.
    """

    def __init__(self, engine: Engine, default: RateLimit) -> None:
        self._engine = engine
        self._default = default
        self._projects: dict[str, RateLimit] = {}
        self._agents: dict[str, RateLimit] = {}
        self._greenlet: gevent.Greenlet[..., Any] | None = None

    def start(self) -> None:
        """Begin to read."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._read_for_ever)

    def of(self, key: str) -> RateLimit:
        """The limit of an agent, given its key."""
        limit = self._agents.get(key)
        if limit is None and self._projects:
            limit = self._projects.get(project_of(key))
        return limit or self._default

    def read(self) -> None:
        """Take over what the tables say.

        Raises:
            SQLAlchemyError: PostgreSQL is out of reach; nothing has changed.
        """
        with self._engine.connect() as connection:
            own = rate_limits.everybodys(connection)
        self._projects = {
            project: effective(self._default, limit) for project, limit in own.projects.items()
        }
        self._agents = {
            key: effective(
                self._default, own.projects.get(project_of(key), NOTHING_OF_ITS_OWN), limit
            )
            for key, limit in own.agents.items()
        }

    def _read_for_ever(self) -> None:
        while True:
            try:
                self.read()
            except SQLAlchemyError as error:
                log.debug("rate_limits_unknown", error=str(error).split("\n")[0])
            except Exception:
                log.exception("rate_limits_unknown")
            gevent.sleep(READ_EVERY_S)
