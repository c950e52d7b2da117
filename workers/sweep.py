"""The sweep: whatever was lost on the way to the queue is found from the truth and rung again."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID

from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine

from app.backplane.messages import AgentsTouched
from app.backplane.publish import Publisher
from app.core import clock, metrics
from app.core.logging import get_logger
from app.core.redis import RedisClient
from app.domain.batch import PartitionState, is_after
from app.eventlog.log import Depth, EventLog
from app.eventlog.presence import Presence
from app.jobs.ring import Bells, ring, waiting
from app.storage import agents, partitions

log = get_logger(__name__)


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

    def partitions(self) -> None:
        """Ring for every partition that has work and no bell."""
        depths = self._log.depth()
        with self._engine.connect() as connection:
            states = partitions.states(connection)
        queued: int | None = None
        for state, depth in zip(states, depths, strict=True):
            name = str(state.partition)
            new_life = depth.generation != state.log_generation
            pending = depth.chunks > 0 and (new_life or is_after(depth.last, state.log_position))
            drained = 0 if new_life else state.log_drained
            metrics.log_events.labels(name).set(max(0, depth.logged - drained) if pending else 0)
            metrics.log_lag_seconds.labels(name).set(_age_s(state, depth) if pending else 0)
            if not pending:
                continue
            if queued is None:
                queued = waiting(self._broker)
            # Nobody answers: more bells would only pile up.
            if queued < 2 * self._log.partitions and self._bells.ring_if_silent(state.partition):
                ring(self._broker, state.partition, "sweep")

    def liveness(self) -> None:
        """Take over the signs of life, and judge who is online, stale or lost."""
        seen = self._presence.take()
        now = clock.now()
        with self._engine.begin() as connection:
            agents.touch(connection, seen)
        with self._engine.begin() as connection:
            changed = agents.judge(
                connection,
                stale_before=now - self._stale_after,
                lost_before=now - self._lost_after,
            )
        touched: dict[UUID, list[str]] = {}
        for project_id, agent in changed:
            touched.setdefault(project_id, []).append(agent.agent_id)
        if touched:
            self._publisher.publish(
                *(AgentsTouched(str(project), ids) for project, ids in touched.items())
            )


def _age_s(state: PartitionState, depth: Depth) -> float:
    """How long the oldest chunk that is not stored has been waiting."""
    # What is stored stays in the log for a moment more.
    stored = depth.generation == state.log_generation and not is_after(
        depth.first, state.log_position
    )
    oldest = depth.last if stored else depth.first
    return max(0.0, time.time() - int(oldest.split("-")[0]) / 1000)
