"""The jobs' contracts: a queue, an actor and its arguments. Whoever rings needs no import of it."""

from __future__ import annotations

from typing import Any

from dramatiq import Message

INGEST_QUEUE = "ingest"
"""One queue for all: each costs a consumer that polls, ten times a second when idle."""

DRAIN = "drain"
RETAIN = "retain"


def drain(partition: int) -> Message[Any]:
    """There is work in this partition."""
    return Message(
        queue_name=INGEST_QUEUE, actor_name=DRAIN, args=(partition,), kwargs={}, options={}
    )


def retain() -> Message[Any]:
    """Make the time partitions that will be needed, drop those that are too old."""
    return Message(queue_name=INGEST_QUEUE, actor_name=RETAIN, args=(), kwargs={}, options={})
