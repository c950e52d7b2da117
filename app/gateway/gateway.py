"""The gateway of one process: its parts wired together, its start, and its graceful end."""

from __future__ import annotations

import time
from random import Random
from typing import Final

import gevent
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine

from app.access.watch import Watch
from app.backplane.figures import Figures
from app.backplane.hub import Hub
from app.backplane.publish import Publisher
from app.core.logging import get_logger
from app.core.redis import RedisClient
from app.domain.rate_limit import RateLimit
from app.eventlog.log import EventLog
from app.eventlog.presence import Presence
from app.gateway.agents import AgentRegistry
from app.gateway.closing import DRAINING
from app.gateway.connection import Connection
from app.gateway.dashboard import Dashboards
from app.gateway.fan_out import FanOut
from app.gateway.intake import Intake
from app.gateway.orders import Orders
from app.gateway.pokes import Pokes
from app.gateway.rate_limits import RateLimits
from app.settings import Settings

BATCHES: Final = 20
CHECK_EVERY_S: Final = 1.0

log = get_logger(__name__)


class Gateway:
    """Everything that lives as long as the process. ``start`` is called after the fork.

    ``readers`` is the pool for what dashboards read of history: it may take long, and nobody else
    waits for it.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        readers: Engine,
        redis: RedisClient,
        broker: RedisBroker,
        eventlog: EventLog,
        watch: Watch,
    ) -> None:
        self.settings = settings
        self.hub = Hub(redis, engine, settings.partitions)
        self.rate_limits = RateLimits(
            engine, RateLimit(settings.rate_limit_events_per_s, settings.rate_limit_burst)
        )
        self.intake = Intake(eventlog, broker, self.rate_limits)
        self.pokes = Pokes(eventlog, broker)
        self.orders = Orders(engine, self.hub, self.pokes, settings.partitions)
        self.agents = AgentRegistry(
            settings,
            engine,
            eventlog,
            self.intake,
            self.hub,
            Presence(redis),
            Publisher(redis),
            self.rate_limits,
            self.orders,
        )
        self.fan_out = FanOut(self.hub, engine)
        self.dashboards = Dashboards(settings, readers, self.hub, self.fan_out)
        self.figures = Figures(redis, "web")
        self.watch = watch
        self.draining = False
        self._open: set[Connection] = set()

    def start(self) -> None:
        """Begin to work."""
        self.hub.start()
        self.rate_limits.start()
        self.intake.start()
        self.pokes.start()
        self.agents.start()
        self.orders.start()
        self.fan_out.start()
        self.figures.start()
        self.watch.start()
        gevent.spawn(self._check_for_ever)

    def opened(self, connection: Connection) -> None:
        """A socket is open."""
        self._open.add(connection)

    def ended(self, connection: Connection) -> None:
        """A socket has ended."""
        self._open.discard(connection)

    def _check_for_ever(self) -> None:
        while True:
            gevent.sleep(CHECK_EVERY_S)
            now = time.monotonic()
            for connection in list(self._open):
                connection.check(now)

    def drain(self) -> None:
        """Send everybody away in batches spread over the drain time, so that the other processes
        are not stormed. Returns when all have been told.
        """
        self.draining = True
        connections = list(self._open)
        Random().shuffle(connections)
        log.info("draining", sockets=len(connections))
        size = max(1, len(connections) // BATCHES)
        for start in range(0, len(connections), size):
            for connection in connections[start : start + size]:
                connection.close(DRAINING)
            gevent.sleep(self.settings.drain_s / BATCHES if len(connections) > BATCHES else 0.01)
