"""One dashboard's socket: its subscriptions and the queue in front of a slow reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal
from uuid import UUID

import msgspec
from gevent.event import Event as Signal

from app.core import metrics
from app.domain.agent import AgentView
from app.domain.catch_up import Held
from app.domain.cursor import Cursor
from app.domain.overflow import BoundedQueue, Gap, NewestPerAgent, Queued
from app.domain.subscription import Filter
from app.gateway import frames
from app.gateway.connection import Connection, encode
from app.gateway.messages import Dropped
from app.storage.snapshots import Snapshot

CALM_BYTES = 262_144
"""Catching up goes on while less than this waits for the viewer."""

LATEST_DROPS = "head"
"""The policy of ``latest`` mode when even the newest are too many: the oldest of them go."""


@dataclass(eq=False, slots=True)
class Subscription:
    """What a viewer asked to see. ``held`` is there while it catches up; without it, it is live."""

    id: str
    viewer: Viewer
    filter: Filter
    mode: Literal["all", "latest"]
    held: Held[msgspec.Raw] | None = None
    wants_all: bool = field(init=False)
    cursor: str = ""
    """Where the viewer is, once it has read all that was passed on to its connection."""
    newest: NewestPerAgent[msgspec.Raw] = field(default_factory=NewestPerAgent)
    newest_cursor: str = ""
    ended: bool = False

    def __post_init__(self) -> None:
        self.wants_all = not self.filter


class Viewer:
    """A dashboard. Whatever it cannot take at once waits here, or is dropped by its policy."""

    def __init__(
        self,
        connection: Connection,
        project_id: UUID,
        *,
        max_events: int,
        max_bytes: int,
        policy: str,
    ) -> None:
        self.connection = connection
        self.project = str(project_id)
        self.project_id = project_id
        self.subscriptions: dict[str, Subscription] = {}
        self._queue = BoundedQueue(
            max_events=max_events, max_bytes=max_bytes, policy=policy, random=Random()
        )
        self._max_bytes = max_bytes
        self._calm = Signal()
        connection.on_writable = self._flush

    def offer(self, subscription: Subscription, frame: bytes, events: int, cursor: str) -> None:
        """Take a frame of live events: pass it on, or queue it, or drop by the policy.

        ``connection.flush`` sends what was passed on.
        """
        if not self.connection.busy and not self._queue.waiting:
            self.connection.add_frame(frame)
            subscription.cursor = cursor
            return
        for gone in self._queue.put(Queued(frame, events, subscription.id, cursor)):
            metrics.viewer_dropped.labels(self._queue.policy).inc(gone.events)
        self._flush()

    def end(self, subscription_id: str) -> None:
        """End a subscription, and let go of what waits for it."""
        ended = self.subscriptions.pop(subscription_id, None)
        if ended is not None:
            ended.ended = True
            self._queue.forget(subscription_id)

    def offer_latest(
        self, subscription: Subscription, items: list[tuple[str, msgspec.Raw]], cursor: str
    ) -> None:
        """For a slow viewer in ``latest`` mode: only each agent's newest event waits.

        Beyond the bytes that may wait, agents from which nothing came for long are left out.
        """
        newest = subscription.newest
        for agent_id, item in items:
            newest.put(agent_id, item, len(bytes(item)))
        subscription.newest_cursor = cursor
        waiting = sum(each.newest.bytes for each in self.subscriptions.values())
        while waiting > self._max_bytes and len(newest):
            waiting -= newest.bytes
            newest.drop_oldest()
            waiting += newest.bytes
            metrics.viewer_dropped.labels(LATEST_DROPS).inc()

    def tell(self, message: object, subscription: Subscription | None = None) -> None:
        """Send something that is never dropped: there is little of it. Nothing is said of a
        subscription that has ended meanwhile.
        """
        if subscription is None or not subscription.ended:
            self.connection.send(message)

    def send_page(
        self, subscription: Subscription, frame: bytes, events: int, cursor: Cursor
    ) -> None:
        """Send a snapshot or a page of history, unless the subscription has ended meanwhile."""
        if subscription.ended:
            return
        self.connection.send_frame(frame)
        subscription.cursor = str(cursor)
        metrics.events_out.inc(events)

    def wait_until_calm(self) -> None:
        """Wait until the viewer has taken most of what was sent. Ends when it is closed."""
        while self.connection.queued_bytes > CALM_BYTES and not self.connection.closed:
            self._calm.clear()
            self._calm.wait(1.0)

    @property
    def slow(self) -> bool:
        """Whether something waits for this viewer."""
        return self.connection.busy or bool(self._queue.waiting)

    def _flush(self) -> None:
        self._calm.set()
        while self._queue.waiting and not self.connection.busy and not self.connection.closed:
            waiting = self._queue.get()
            subscription = self.subscriptions.get(waiting.subscription)
            if subscription is None:
                continue
            if isinstance(waiting, Gap):
                policy, place = self._queue.policy, subscription.cursor
                self.connection.send(Dropped(subscription.id, waiting.dropped, policy, place))
            else:
                self.connection.send_frame(waiting.frame)
                subscription.cursor = waiting.cursor
        if not self.slow:
            for subscription in self.subscriptions.values():
                self._send_newest(subscription)

    def _send_newest(self, subscription: Subscription) -> None:
        if len(subscription.newest):
            items, dropped = subscription.newest.take()
            if dropped:
                place = subscription.cursor
                self.connection.send(Dropped(subscription.id, dropped, LATEST_DROPS, place))
            cursor = subscription.newest_cursor
            self.connection.send_frame(events_frame(subscription.id, cursor, items))
            subscription.cursor = cursor


def events_frame(subscription_id: str, cursor: str, items: list[msgspec.Raw]) -> bytes:
    """An events frame, ready for the wire. Items are passed on as they are."""
    return frames.text(
        b'{"type":"events","id":%s,"cursor":"%s","items":[%s]}'
        % (encode(subscription_id), cursor.encode(), b",".join(map(bytes, items)))
    )


def snapshot_frame(subscription_id: str, taken: Snapshot) -> bytes:
    """A snapshot frame: agents, how many there are in all, tasks and the newest events."""
    return frames.text(
        b'{"type":"snapshot","id":%s,"cursor":"%s","agents":%s,"agents_total":%d,"tasks":%s,'
        b'"events":%s}'
        % (
            encode(subscription_id),
            str(taken.cursor).encode(),
            encode(taken.agents),
            taken.agents_total,
            encode(taken.tasks),
            encode(taken.events),
        )
    )


def agents_frame(subscription: Subscription, found: list[AgentView]) -> bytes:
    """The agents that a subscription looks at; empty if it looks at none of them."""
    wanted = subscription.filter.agent_ids
    shown = [view for view in found if not wanted or view.agent_id in wanted]
    if not shown:
        return b""
    return frames.text(
        b'{"type":"agents","id":%s,"items":%s}' % (encode(subscription.id), encode(shown))
    )
