"""A gateway process: its hub, its fan-out, and the way of a subscription from history to live.

This is the orchestration of ``app.backplane.hub`` and ``app.gateway.dashboard`` over the same pure
parts (``sequence``, ``catch_up``, ``cursor``). Every ``yield`` stands where the real one waits: for
PostgreSQL, for a slow viewer, or for the hub. What else happens meanwhile is the test's choice. A
wait is answered with whether there is still patience for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

from app.domain.catch_up import Held, covers, unusable
from app.domain.cursor import Cursor
from app.domain.sequence import check
from tests.unit.stream.history import Batch, Event, History, Wanted

REFILL_PAGE = 3
PAGE_EVENTS = 3
HELD_EVENTS = 4
TOO_FAR = 12
CALM_FRAMES = 1

Result = TypeVar("Result")
Steps = Generator[None, bool, Result]


@dataclass(frozen=True)
class Frame:
    """What a viewer is sent: ``snapshot``, ``resumed``, ``refused``, ``events``, ``caught_up`` or
    ``heads``.
    """

    kind: str
    cursor: Cursor
    items: tuple[Event, ...] = ()


@dataclass(eq=False)
class Connection:
    """A viewer's socket: what is on its way to it, until it breaks."""

    closed: bool = False
    on_the_way: deque[Frame] = field(default_factory=deque)

    def send(self, frame: Frame) -> None:
        if not self.closed:
            self.on_the_way.append(frame)


@dataclass(eq=False)
class Subscription:
    """``held`` is there while it catches up; without it, it is live."""

    connection: Connection
    wanted: Wanted
    held: Held[Event] | None
    ended: bool = False

    @property
    def over(self) -> bool:
        return self.ended or self.connection.closed

    def send(self, frame: Frame) -> None:
        # Looked at again after every wait: the viewer may have subscribed anew meanwhile, and what
        # comes under the old subscription would be taken for the new one's.
        if not self.over:
            self.connection.send(frame)


def offset_of(event: Event) -> int:
    return event.offset


class Process:
    """One gateway process. ``inbox`` is what its hub has received and not yet looked at."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.epoch = history.epoch
        self.heads = list(history.heads().offsets)
        self.inbox: deque[Batch] = deque()
        self.subscriptions: list[Subscription] = []
        self.tasks: list[Steps[None]] = []
        self._spawn(self._dispatch())
        self._spawn(self._compare())

    def cursor(self) -> Cursor:
        return Cursor(self.epoch, tuple(self.heads))

    def step(self, number: int, *, patient: bool) -> None:
        """Let one of the tasks run up to where it waits next."""
        task = self.tasks[number % len(self.tasks)]
        try:
            task.send(patient)
        except StopIteration:
            self.tasks.remove(task)

    def subscribe(self, connection: Connection, wanted: Wanted, cursor: Cursor | None) -> None:
        """Begin a subscription, or replace the connection's."""
        for older in self.subscriptions:
            older.ended = older.ended or older.connection is connection
        self.subscriptions = [s for s in self.subscriptions if not s.over]
        subscription = Subscription(connection, wanted, Held(HELD_EVENTS))
        self.subscriptions.append(subscription)
        self._spawn(self._follow(subscription, cursor))

    @property
    def reads_history(self) -> bool:
        """Whether a subscription is on its way to live."""
        return len(self.tasks) > 2

    def tell_heads(self) -> None:
        """Tell those that are live how far the stream is."""
        for subscription in self.subscriptions:
            if subscription.held is None:
                subscription.send(Frame("heads", self.cursor()))

    def _spawn(self, task: Steps[None]) -> None:
        # Up to its first wait, which stands at its beginning.
        next(task)
        self.tasks.append(task)

    # The hub

    def _dispatch(self) -> Steps[None]:
        while True:
            yield
            if self.inbox:
                yield from self._take(self.inbox.popleft())

    def _take(self, batch: Batch) -> Steps[None]:
        if batch.epoch != self.epoch:
            return
        partition = batch.partition
        step = check(self.heads[partition], batch.first, batch.last)
        if step.gap is not None:
            yield from self._refill(batch.epoch, partition, step.gap[1])
            step = check(self.heads[partition], batch.first, batch.last)
        if step.skip:
            yield from self._refill(batch.epoch, partition, batch.last)
            batch = batch._replace(items=())
        self._deliver(batch)

    def _refill(self, epoch: str, partition: int, last: int) -> Steps[None]:
        while self.epoch == epoch and self.heads[partition] < last:
            head = self.heads[partition]
            yield
            found = self.history.between(partition, head + 1, last, REFILL_PAGE)
            yield
            if self.heads[partition] != head:
                continue
            upto = found[-1].offset if len(found) == REFILL_PAGE else last
            self._deliver(Batch(epoch, partition, head + 1, upto, tuple(found)))

    def _compare(self) -> Steps[None]:
        behind: tuple[int, ...] = ()
        while True:
            yield
            there = self.history.heads()
            yield
            if there.epoch != self.epoch:
                self._begin(there)
                # What the old epoch was behind by is no measure of the new one.
                behind = ()
            for partition, head in enumerate(behind):
                if head > self.heads[partition]:
                    yield from self._refill(self.epoch, partition, head)
            behind = there.offsets

    def _begin(self, heads: Cursor) -> None:
        self.epoch, self.heads = heads.epoch, list(heads.offsets)
        self.hang_up()

    def hang_up(self) -> None:
        """Close every connection."""
        for subscription in self.subscriptions:
            subscription.connection.closed = True
        self.subscriptions = []

    def _deliver(self, batch: Batch) -> None:
        if batch.epoch != self.epoch:
            # The epoch changed while a gap was being filled.
            return
        self.heads[batch.partition] = max(self.heads[batch.partition], batch.last)
        for subscription in self.subscriptions:
            chosen = tuple(item for item in batch.items if item.kind in subscription.wanted)
            if not chosen:
                continue
            if subscription.held is not None:
                subscription.held.hold(batch.partition, batch.last, chosen)
            else:
                subscription.send(Frame("events", self.cursor(), chosen))

    # A subscription

    def _follow(self, subscription: Subscription, cursor: Cursor | None) -> Steps[None]:
        yield
        place = yield from self._begin_at(subscription, cursor)
        while not subscription.over:
            if (yield from self._go_live(subscription, place)):
                return
            subscription.held = Held(HELD_EVENTS)
            place = yield from self._read_history(subscription, place, self.cursor())

    def _begin_at(self, subscription: Subscription, cursor: Cursor | None) -> Steps[Cursor]:
        if cursor is None:
            return (yield from self._snapshot(subscription))
        if not (yield from self._usable(cursor)):
            subscription.send(Frame("refused", cursor))
            return (yield from self._snapshot(subscription))
        subscription.send(Frame("resumed", cursor))
        return (yield from self._read_history(subscription, cursor, self.cursor()))

    def _usable(self, cursor: Cursor) -> Steps[bool]:
        if cursor.epoch == self.epoch and not (yield from self._wait_for(cursor)):
            return False
        heads = self.cursor()
        yield
        return unusable(cursor, heads, self.history.lost_through(), TOO_FAR) is None

    def _snapshot(self, subscription: Subscription) -> Steps[Cursor]:
        yield
        cursor = self.history.heads()
        yield
        subscription.send(Frame("snapshot", cursor))
        yield from self._wait_until_calm(subscription)
        return cursor

    def _read_history(
        self, subscription: Subscription, place: Cursor, until: Cursor
    ) -> Steps[Cursor]:
        while not subscription.over:
            yield
            page, place = self.history.sweep(subscription.wanted, place, until, PAGE_EVENTS)
            yield
            if page:
                subscription.send(Frame("events", place, tuple(page)))
                yield from self._wait_until_calm(subscription)
            if covers(place, until):
                break
        return place

    def _wait_until_calm(self, subscription: Subscription) -> Steps[None]:
        while len(subscription.connection.on_the_way) > CALM_FRAMES and not subscription.over:
            yield

    def _go_live(self, subscription: Subscription, place: Cursor) -> Steps[bool]:
        if not (yield from self._wait_for(place)):
            return False
        held = subscription.held
        if subscription.over or held is None or held.overflowed:
            return False
        items = tuple(held.release(place, offset_of))
        if items:
            subscription.send(Frame("events", self.cursor(), items))
        subscription.held = None
        subscription.send(Frame("caught_up", self.cursor()))
        return True

    def _wait_for(self, cursor: Cursor) -> Steps[bool]:
        while not covers(self.cursor(), cursor):
            patient = yield
            if not patient:
                return False
        return True
