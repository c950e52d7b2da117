"""The hub of a gateway process: the one reader of the backplane.

It turns what may be lost, repeated or late into a stream that is none of these: each partition's
events once, in order, without a hole. What is missing is read from PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
import msgspec
from gevent.event import Event as Signal
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.backplane.drained import Drained
from app.backplane.heads import read_heads
from app.backplane.inbox import Inbox
from app.backplane.messages import (
    CHANNEL,
    AgentsTouched,
    Batch,
    Batches,
    Beat,
    Forgotten,
    Message,
    Superseded,
    decode,
    encode,
)
from app.core import metrics
from app.core.identifiers import uuid7
from app.core.logging import get_logger
from app.core.redis import RedisClient
from app.domain.cursor import Cursor
from app.domain.event import encode_event
from app.domain.partition import agent_key
from app.domain.placing import CALLING
from app.domain.sequence import check
from app.eventlog.log import Mark
from app.storage import history

BEAT_S = 2.0
SILENCE_S = 7.0
COMPARE_S = 1.0
INBOX_MESSAGES = 2000
INBOX_BYTES = 32 * 1024 * 1024
REFILL_PAGE = 1000

log = get_logger(__name__)

BatchListener = Callable[[Batch], None]


class Hub:
    """Listeners are called in the order of history, from one greenlet, and must not wait."""

    def __init__(self, redis: RedisClient, engine: Engine, partition_count: int) -> None:
        self._redis = redis
        self._engine = engine
        self._name = uuid7().hex
        self._inbox = Inbox(max_messages=INBOX_MESSAGES, max_bytes=INBOX_BYTES)
        self._heads = [0] * partition_count
        self._drained = Drained(partition_count)
        self._compare_now = Signal()
        self._last_heard = time.monotonic()
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        self.epoch = ""
        self.ready = Signal()
        self.moved = Signal()
        """Set and cleared whenever a head moves; those who wait are woken."""
        self.on_batch: list[BatchListener] = []
        self.on_agents: list[Callable[[AgentsTouched], None]] = []
        self.on_superseded: list[Callable[[Superseded], None]] = []
        self.on_forgotten: list[Callable[[Forgotten], None]] = []
        self.on_broken: list[Callable[[], None]] = []
        """Called when the stream does not go on from where it was: readers have to resume."""
        self.on_missed: list[Callable[[], None]] = []
        """Called when messages may have been lost that no comparison of heads brings back."""
        self.on_calm: list[Callable[[], None]] = []
        """Called when all that had come was delivered: what was gathered may go out."""

    def start(self) -> None:
        """Begin to read. Returns at once; ``ready`` is set when the heads are known."""
        if not self._greenlets:
            self._greenlets = [
                gevent.spawn(self._read),
                gevent.spawn(self._dispatch),
                gevent.spawn(self._compare),
                gevent.spawn(self._beat),
            ]

    def heads(self) -> Cursor:
        """The cursor of somebody who has seen all that this process has delivered."""
        return Cursor(self.epoch, tuple(self._heads))

    def has_passed(self, partition: int, mark: Mark) -> bool:
        """Whether everything in the log up to this point is stored, or was lost with the log."""
        return self._drained.has_passed(partition, mark)

    @property
    def connected(self) -> bool:
        """Whether the backplane was heard lately."""
        return time.monotonic() - self._last_heard < SILENCE_S

    def _read(self) -> None:
        while True:
            pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
            try:
                pubsub.subscribe(CHANNEL)
                self._last_heard = time.monotonic()
                # What was published while nobody listened shows in the heads, or is asked for.
                self._compare_now.set()
                self._missed()
                while self.connected:
                    message = pubsub.get_message(timeout=1.0)
                    if message is not None:
                        self._last_heard = time.monotonic()
                        if not self._inbox.put(message["data"]):
                            metrics.backplane_dropped.inc()
                            self._missed()
                log.warning("backplane_silent", seconds=SILENCE_S)
            except (RedisError, OSError) as error:
                log.warning("backplane_lost", error=str(error))
            finally:
                try:
                    pubsub.close()
                except (RedisError, OSError):
                    log.debug("backplane_close_failed")
            gevent.sleep(0.2)

    def _beat(self) -> None:
        while True:
            try:
                self._redis.publish(CHANNEL, encode(Beat(self._name)))
            except RedisError as error:
                log.debug("beat_failed", error=str(error))
            gevent.sleep(BEAT_S)

    def _dispatch(self) -> None:
        while True:
            try:
                if not self._inbox:
                    self._calm()
                self._hear(decode(self._inbox.get()))
            except SQLAlchemyError as error:
                # The comparison of heads brings it, once PostgreSQL is back.
                log.warning("refill_failed", error=str(error).split("\n")[0])
            except Exception:
                log.exception("dispatch_failed")

    def _hear(self, message: Message) -> None:
        match message:
            case Batches():
                if self.ready.is_set():
                    for batch in message.batches:
                        self._take(batch)
            case AgentsTouched():
                for touched in self.on_agents:
                    touched(message)
            case Superseded():
                for superseded in self.on_superseded:
                    superseded(message)
            case Forgotten():
                for forgotten in self.on_forgotten:
                    forgotten(message)

    def _calm(self) -> None:
        for listener in self.on_calm:
            listener()

    def _take(self, batch: Batch) -> None:
        if batch.epoch != self.epoch:
            self._compare_now.set()
            return
        partition = batch.partition
        step = check(self._heads[partition], batch.first, batch.last)
        if step.gap is not None:
            self._refill(partition, step.gap[1], batch.epoch)
            step = check(self._heads[partition], batch.first, batch.last)
        if step.skip:
            # Some of it was delivered already: the rest comes from PostgreSQL, in whole events.
            self._refill(partition, batch.last, batch.epoch)
            batch.items = {}
        if batch.drained:
            self._drained.passed(batch.partition, Mark(batch.generation, batch.drained))
        self._deliver(batch)

    def _deliver(self, batch: Batch) -> None:
        if batch.epoch != self.epoch:
            # History changed while this was being fetched: it is not of this one.
            return
        self._heads[batch.partition] = max(self._heads[batch.partition], batch.last)
        for listener in self.on_batch:
            listener(batch)
        self.moved.set()
        self.moved.clear()

    def _refill(self, partition: int, last: int, epoch: str) -> None:
        metrics.refills.inc()
        while self._heads[partition] < last and epoch == self.epoch:
            head = self._heads[partition]
            with self._engine.connect() as connection:
                found = history.between(connection, partition, head + 1, last, REFILL_PAGE)
            # The dispatcher and the comparison may both refill: whoever came second starts anew.
            if self._heads[partition] != head or epoch != self.epoch:
                continue
            items: dict[str, list[msgspec.Raw]] = {}
            agents: dict[str, set[str]] = {}
            called = set()
            for project_id, event in found:
                project = str(project_id)
                if event.type in CALLING:
                    called.add(agent_key(project, event.agent_id))
                items.setdefault(project, []).append(msgspec.Raw(encode_event(event)))
                agents.setdefault(project, set()).add(event.agent_id)
            upto = found[-1][1].offset if len(found) == REFILL_PAGE else last
            if len(found) < upto - head:
                # Retention was faster: whoever looks has to hear of it, by way of its cursor.
                log.warning("history_gone", partition=partition, first=head + 1, last=upto)
                self._send_away()
            self._deliver(
                Batch(
                    epoch=epoch,
                    partition=partition,
                    first=head + 1,
                    last=upto,
                    generation="",
                    drained=0,
                    cursors={},
                    items=items,
                    agents={project: list(ids) for project, ids in agents.items()},
                    called=list(called),
                )
            )
            self._calm()

    def _compare(self) -> None:
        """Compare the heads with PostgreSQL's, every second and after every reconnect."""
        behind: dict[int, int] = {}
        while True:
            try:
                states = read_heads(self._engine, self.epoch, list(self._heads))
            except SQLAlchemyError as error:
                log.debug("heads_unknown", error=str(error).split("\n")[0])
                gevent.sleep(COMPARE_S)
                continue
            if states and states[0].epoch != self.epoch:
                self._begin(states[0].epoch, [state.head for state in states])
                behind = {}
            for state in states:
                mark = Mark(state.log_generation, state.log_drained)
                self._drained.passed(state.partition, mark)
                # A publish may simply still be on its way: act on what was missing a round ago.
                if behind.get(state.partition, state.head) > self._heads[state.partition]:
                    try:
                        self._refill(state.partition, behind[state.partition], state.epoch)
                    except SQLAlchemyError as error:
                        log.warning("refill_failed", error=str(error))
            self._calm()
            behind = {state.partition: state.head for state in states}
            self._compare_now.wait(COMPARE_S)
            self._compare_now.clear()

    def _begin(self, epoch: str, heads: list[int]) -> None:
        first = not self.epoch
        self.epoch = epoch
        self._heads = heads
        self.ready.set()
        if not first:
            log.warning("epoch_changed", epoch=epoch)
            self._send_away()

    def _missed(self) -> None:
        for listener in self.on_missed:
            listener()

    def _send_away(self) -> None:
        for listener in self.on_broken:
            listener()
