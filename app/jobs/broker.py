"""Dramatiq's broker, made where a process is wired."""

from __future__ import annotations

from typing import Any

from dramatiq import Message, Middleware
from dramatiq.brokers.redis import RedisBroker

from app.core.redis import create_redis
from app.jobs.messages import INGEST_QUEUE


class PromptBroker(RedisBroker):
    """A broker that delays nothing: what is due later stands in PostgreSQL.

    So no consumer polls a queue of delayed messages, which costs as much as the queue itself.
    """

    def get_declared_delay_queues(self) -> set[str]:
        """There are none."""
        return set()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Put a message into its queue.

        Raises:
            ValueError: it is to be delayed; nobody would ever take it.
        """
        if delay is not None:
            raise ValueError("Messages are not delayed here: keep the time in PostgreSQL.")
        return super().enqueue(message)


def create_broker(redis_url: str, middleware: list[Middleware] | None = None) -> RedisBroker:
    """A broker with its own connections, so that the log and the broker can be two servers.

    ``middleware`` is what runs around jobs; those who only enqueue need none.
    """
    broker: RedisBroker = PromptBroker(  # type: ignore[no-untyped-call]
        client=create_redis(redis_url), middleware=middleware or [], namespace="telltale:jobs"
    )
    broker.declare_queue(INGEST_QUEUE)
    return broker
