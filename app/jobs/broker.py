"""Dramatiq's broker, made where a process is wired."""

from __future__ import annotations

from dramatiq import Middleware
from dramatiq.brokers.redis import RedisBroker

from app.core.redis import create_redis
from app.jobs.messages import INGEST_QUEUE


def create_broker(redis_url: str, middleware: list[Middleware] | None = None) -> RedisBroker:
    """A broker with its own connections, so that the log and the broker can be two servers.

    ``middleware`` is what runs around jobs; those who only enqueue need none.
    """
    broker = RedisBroker(
        client=create_redis(redis_url), middleware=middleware or [], namespace="telltale:jobs"
    )
    broker.declare_queue(INGEST_QUEUE)
    return broker
