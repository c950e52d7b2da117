"""The sweep: whatever was lost on the way to the queue is found from the truth and rung again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine

from app.backplane.messages import AgentsTouched
from app.backplane.publish import Publisher
from app.core import clock
from app.core.redis import RedisClient
from app.domain.backlog import backlog
from app.domain.batch import PartitionState, counted_again
from app.eventlog.log import Depth, EventLog
from app.eventlog.presence import Presence
from app.jobs.ring import Bells, ring, waiting
from app.storage import agents, partitions

PAUSE_S = 5.0
"""Rounds further apart than this are a pause in which signs of life may have been lost."""


class Sweep:
    """One round a second, by the one clock that holds the advisory lock."""

    def __init__(
        self,
        engine: Engine,
        redis: RedisClient,
        broker: RedisBroker,
        eventlog: EventLog,
        *,
        stale_after_s: float,
        lost_after_s: float,
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._log = eventlog
        self._bells = Bells(redis)
        self._presence = Presence(redis)
        self._publisher = Publisher(redis)
        self._stale_after = timedelta(seconds=stale_after_s)
        self._lost_after = timedelta(seconds=lost_after_s)
        self._seen: list[tuple[UUID, str, datetime]] = []
        self._judged_at = self._listening_since = float("-inf")

    def partitions(self) -> None:
        """Ring for every partition that has work and no bell."""
        depths = self._log.depth()
        with self._engine.connect() as connection:
            states = partitions.states(connection)
        self._keep_books(states, depths)
        queued: int | None = None
        now_s = time.time()
        for state, depth in zip(states, depths, strict=True):
            if not backlog(depth, state, now_s).pending:
                continue
            if queued is None:
                queued = waiting(self._broker)
            # Nobody answers: more bells would only pile up.
            if queued < 2 * self._log.partitions and self._bells.ring_if_silent(state.partition):
                ring(self._broker, state.partition, "sweep")

    def outbox(self, late: Sequence[int]) -> None:
        """Poke for these partitions' events of changes, whose own poke was lost."""
        for partition in self._log.poke(late):
            ring(self._broker, partition, "sweep")

    def _keep_books(self, states: Sequence[PartitionState], depths: Sequence[Depth]) -> None:
        """Take over what the log knew again; nothing else may come in that a drain would tell."""
        told = {
            state.partition: (depth.generation, depth.duplicates)
            for state, depth in zip(states, depths, strict=True)
            if counted_again(state, depth.generation, depth.duplicates) != state
        }
        if not told:
            return
        with self._engine.begin() as connection:
            driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
            with driver.cursor() as cursor:
                locked = partitions.lock(cursor, told).items()
                partitions.keep_books(cursor, [counted_again(s, *told[p]) for p, s in locked])

    def liveness(self) -> None:
        """Take over the signs of life, and judge who is online, stale or lost.

        While nobody listens, everybody is silent: at the start, and after a pause, agents have the
        time to be heard again before one of them counts as gone.
        """
        began = time.monotonic()
        if began - self._judged_at > PAUSE_S:
            self._listening_since = began
        # What could not be written down by the last round is still known.
        self._seen = self._seen or self._presence.take()
        now = clock.now()
        with self._engine.begin() as connection:
            agents.touch(connection, self._seen)
        self._seen = []
        with self._engine.begin() as connection:
            changed = agents.judge(
                connection,
                stale_before=now - self._stale_after,
                lost_before=now - self._lost_after,
                forgiving=began - self._listening_since < self._stale_after.total_seconds(),
            )
        self._judged_at = time.monotonic()
        touched: dict[UUID, list[str]] = {}
        for project_id, agent in changed:
            touched.setdefault(project_id, []).append(agent.agent_id)
        if touched:
            self._publisher.publish(
                *(AgentsTouched(str(project), ids) for project, ids in touched.items())
            )
