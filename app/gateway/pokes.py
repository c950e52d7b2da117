"""Pokes: after a commit, who drains is told that something waits in a partition's outbox."""

from __future__ import annotations

from typing import Any

import gevent
from dramatiq.brokers.redis import RedisBroker
from gevent.event import Event as Signal

from app.core.logging import get_logger
from app.eventlog.log import EventLog, LogUnavailable
from app.jobs.ring import ring

log = get_logger(__name__)


class Pokes:
    """Gathers pokes while one is on its way. A lost one costs a second: the sweep pokes again."""

    def __init__(self, eventlog: EventLog, broker: RedisBroker) -> None:
        self._log = eventlog
        self._broker = broker
        self._waiting: set[int] = set()
        self._something = Signal()
        self._greenlet: gevent.Greenlet[..., Any] | None = None

    def start(self) -> None:
        """Begin to poke."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._poke_for_ever)

    def poke(self, partition: int) -> None:
        """Something waits in this partition's outbox. Returns at once."""
        self._waiting.add(partition)
        self._something.set()

    def _poke_for_ever(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            partitions, self._waiting = sorted(self._waiting), set()
            try:
                for partition in self._log.poke(partitions):
                    ring(self._broker, partition, "outbox")
            except LogUnavailable as error:
                log.warning("poke_failed", error=str(error), partitions=partitions)
            except Exception:
                log.exception("poke_failed")
