"""Retention: make the time partitions that will be needed, drop those that are too old."""

from __future__ import annotations

from datetime import timedelta

import dramatiq
import psycopg
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.core.logging import get_logger
from app.jobs.messages import INGEST_QUEUE, RETAIN
from app.storage import event_ranges

log = get_logger(__name__)


def declare(broker: RedisBroker, engine: Engine, retention_days: int) -> None:
    """Declare the actor. The clock enqueues it every hour, so a failure is tried again then."""

    @dramatiq.actor(broker=broker, queue_name=INGEST_QUEUE, actor_name=RETAIN, max_retries=0)
    def retain() -> None:
        try:
            made, dropped = event_ranges.maintain(
                engine, clock.now(), timedelta(days=retention_days)
            )
        except (SQLAlchemyError, psycopg.Error) as error:
            log.warning("retention_failed", error=str(error).split("\n")[0])
            return
        if made or dropped:
            log.info("event_ranges", made=made, dropped=dropped)
