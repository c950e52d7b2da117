"""Publishing what a drain committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from redis.exceptions import RedisError

from app.backplane.messages import CHANNEL, Batch, Batches, Message, encode
from app.core.logging import get_logger
from app.core.redis import RedisClient
from app.domain.batch import Plan
from app.domain.row import Row

MAX_MESSAGE_BYTES: Final = 1024 * 1024
"""Redis cuts a subscriber off that is 32 MB behind; no message may come near that."""

log = get_logger(__name__)


class Publisher:
    """Publishes, and never fails: a lost message is found by the gap it leaves."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    def publish(self, *messages: Message) -> None:
        """Publish these messages in order."""
        try:
            for message in messages:
                self._redis.publish(CHANNEL, encode(message))
        except RedisError as error:
            log.warning("publish_failed", error=str(error), messages=len(messages))


def messages(plans: Iterable[Plan]) -> Iterator[Batches]:
    """Committed plans as messages: as few as stay under the bound."""
    gathered: list[Batch] = []
    size = 0
    for batch, weight in (weighed for plan in plans for weighed in batches(plan)):
        if gathered and size + weight > MAX_MESSAGE_BYTES:
            yield Batches(gathered)
            gathered, size = [], 0
        gathered.append(batch)
        size += weight
    if gathered:
        yield Batches(gathered)


def batches(plan: Plan) -> Iterator[tuple[Batch, int]]:
    """A committed plan as batches with their sizes: each small enough, together contiguous.

    The last one names the agents and carries the sequences: an agent is told ``stored`` when all of
    it is.
    """
    state = plan.state
    agents: dict[str, list[str]] = {}
    for changed in plan.agents:
        agents.setdefault(str(changed.project_id), []).append(changed.agent_id)
    parts = list(_parts(plan.rows))
    for number, rows in enumerate(parts):
        items: dict[str, list[msgspec.Raw]] = {}
        size = 0
        for row in rows:
            record = stored_record(row)
            size += len(record)
            items.setdefault(row.project, []).append(msgspec.Raw(record))
        final = number == len(parts) - 1
        batch = Batch(
            epoch=state.epoch,
            partition=state.partition,
            first=rows[0].offset if rows else state.head + 1,
            last=rows[-1].offset if rows else state.head,
            generation=state.log_generation,
            drained=state.log_drained if final else 0,
            cursors={
                f"{move.project_id}/{move.agent_id}": (move.incarnation, move.seq)
                for move in plan.cursors
            }
            if final
            else {},
            items=items,
            agents=agents if final else {},
            called=list(dict.fromkeys(plan.called)) if final else [],
        )
        yield batch, size


def stored_record(row: Row) -> bytes:
    """The record of the log with its place in history put behind it, not encoded again."""
    return b'%s,"partition":%d,"offset":%d,"received_at":"%s"}' % (
        row.record[:-1],
        row.partition,
        row.offset,
        row.received_text.encode(),
    )


def _parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = size = 0
    for index, row in enumerate(rows):
        if size and size + len(row.record) > MAX_MESSAGE_BYTES:
            yield rows[start:index]
            start, size = index, 0
        size += len(row.record) + 100
    yield rows[start:]
