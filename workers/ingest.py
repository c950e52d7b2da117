"""The drain: stay on a partition while events keep coming, and store what its log holds."""

from __future__ import annotations

import threading
import time
from typing import Any

import dramatiq
import psycopg
import pybreaker
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.core import metrics
from app.core.identifiers import uuid7
from app.core.logging import get_logger
from app.eventlog.log import LogUnavailable
from app.jobs.messages import DRAIN, INGEST_QUEUE
from app.jobs.ring import Bells, ring
from workers.drainer import Drainer

IDLE_S = 1.0
"""A partition is left after this long without events."""

STAY_S = 60.0
"""A partition is handed back to the queue after this long, for others and for a stop."""

RENEW_S = 0.5
AWAY_WAIT_S = 0.2
BLOCK_MS = 50

log = get_logger(__name__)

PostgresLost = (psycopg.Error, SQLAlchemyError)


class Stay:
    """The partitions that this process stays on. The first actor leads; the others join it."""

    def __init__(self, broker: RedisBroker, bells: Bells, drainer: Drainer) -> None:
        self._broker = broker
        self._bells = bells
        self._drainer = drainer
        self._owner = uuid7().hex
        self._joined: dict[int, float] = {}
        self._active: dict[int, float] = {}
        self._leading = False
        self._lock = threading.Lock()
        self._stopping = False
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=3, reset_timeout=1, exclude=[LogUnavailable], listeners=[_Told()]
        )

    def stop(self) -> None:
        """Leave all partitions after the transaction in hand; what waits is rung again."""
        self._stopping = True

    def on(self, partition: int) -> None:
        """Answer a partition's bell."""
        if self._stopping or not self._bells.take(partition, self._owner):
            return
        with self._lock:
            self._active[partition] = self._joined[partition] = time.monotonic()
            if self._leading:
                return
            self._leading = True
        self._lead()

    def _lead(self) -> None:
        renewed = time.monotonic()
        try:
            while not self._done():
                self._drain_or_wait(list(self._joined), BLOCK_MS)
                now = time.monotonic()
                if now - renewed > RENEW_S:
                    self._renew()
                    renewed = now
                self._leave_idle(now)
        except LogUnavailable as error:
            metrics.drain_failures.labels("log").inc()
            log.warning("log_unavailable", error=str(error))
            self._leave_all()
        except BaseException:
            self._leave_all()
            raise

    def _drain_or_wait(self, held: list[int], block_ms: int) -> bool:
        """Whether something was found. While PostgreSQL is away the partitions are held: nobody
        else could do more.
        """
        try:
            return self._drain(held, block_ms)
        except pybreaker.CircuitBreakerError:
            metrics.drain_failures.labels("breaker").inc()
        except PostgresLost as error:
            metrics.drain_failures.labels("postgres").inc()
            log.warning("postgres_unavailable", error=str(error).split("\n")[0])
            self._drainer.reconnect()
        time.sleep(AWAY_WAIT_S)
        return False

    def _done(self) -> bool:
        """Whether nobody needs a leader; whoever joins after this leads."""
        if self._stopping:
            self._leave_all()
            return True
        with self._lock:
            self._leading = bool(self._joined)
            return not self._leading

    def _leave_all(self) -> None:
        """Leave every partition, also those that are joined meanwhile, and stop leading."""
        while True:
            with self._lock:
                left = list(self._joined)
                if not left:
                    self._leading = False
                    return
            for partition in left:
                self._leave(partition)

    def _drain(self, held: list[int], block_ms: int) -> bool:
        moved = self._breaker.call(self._drainer.drain, held, block_ms=block_ms)
        now = time.monotonic()
        for partition in moved:
            if partition in self._joined:
                self._active[partition] = now
        return bool(moved)

    def _renew(self) -> None:
        try:
            for partition in self._bells.renew(list(self._joined), self._owner):
                self._forget(partition)
        except RedisError as error:
            raise LogUnavailable(str(error)) from error

    def _leave_idle(self, now: float) -> None:
        for partition, joined in list(self._joined.items()):
            if now - self._active.get(partition, joined) > IDLE_S:
                self._leave(partition)
                # An append that found the bell answered did not ring: look once more.
                while self._drain_or_wait([partition], 0):
                    pass
                self._drainer.forget(partition)
                self._drainer.finish()
            elif now - joined > STAY_S:
                self._leave(partition)
                ring(self._broker, partition, "stay")

    def _leave(self, partition: int) -> None:
        self._forget(partition)
        try:
            self._bells.release(partition, self._owner)
        except RedisError as error:
            log.debug("release_failed", partition=partition, error=str(error))

    def _forget(self, partition: int) -> None:
        self._joined.pop(partition, None)
        self._active.pop(partition, None)
        self._drainer.forget(partition)


class _Told(pybreaker.CircuitBreakerListener):
    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:  # noqa: ARG002
        metrics.breaker_open.labels("postgres").set(new_state.name == pybreaker.STATE_OPEN)
        log.warning("breaker", breaker="postgres", state=new_state.name)


def declare(broker: RedisBroker, stay: Stay) -> None:
    """Declare the actor. No retries: a lost or failed drain is rung again from the truth."""

    @dramatiq.actor(broker=broker, queue_name=INGEST_QUEUE, actor_name=DRAIN, max_retries=0)
    def drain(partition: int) -> None:
        stay.on(partition)
