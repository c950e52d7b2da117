"""Listens to PostgreSQL, so that a change made in SQL is placed in history at once.

What is not heard waits for the sweep, a second longer: while the connection is away, and behind a
pooler that passes no notifications on (``LISTEN_DATABASE_URL`` goes around it).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Final

import psycopg
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.core.logging import get_logger
from app.eventlog.log import EventLog, LogUnavailable
from app.jobs.ring import ring
from app.storage import notifications, outbox

LISTEN_S: Final = 1.0
"""How long a stop may have to wait."""

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0

log = get_logger(__name__)


class Listener:
    """A thread with a connection of its own. Every clock has one: a poke too many does no harm."""

    def __init__(
        self, engine: Engine, broker: RedisBroker, eventlog: EventLog, stop: threading.Event
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._log = eventlog
        self._stop = stop
        self._thread = threading.Thread(target=self._listen_for_ever, name="listener", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the end, once the stop is set."""
        self._thread.join(timeout_s)

    def _listen_for_ever(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            try:
                with self._engine.connect() as connection:
                    pause_s = FIRST_PAUSE_S
                    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                    notifications.listen(connection)
                    log.info("listening")
                    # What was said before is not said again.
                    self._poke(outbox.counts(connection))
                    while not self._stop.is_set():
                        self._poke(notifications.heard(connection, LISTEN_S))
            except (SQLAlchemyError, psycopg.Error) as error:
                log.warning("listening_lost", error=str(error).split("\n")[0])
            except Exception:
                log.exception("listening_failed")
            # Not to be used again, in whatever state it is.
            self._engine.dispose()
            self._stop.wait(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _poke(self, partitions: Iterable[int]) -> None:
        known = sorted(p for p in partitions if p < self._log.partitions)
        if not known:
            return
        try:
            for partition in self._log.poke(known):
                ring(self._broker, partition, "listen")
        except (LogUnavailable, RedisError) as error:
            log.warning("poke_failed", error=str(error).split("\n")[0])
