"""Fan-out: each batch to every subscription that wants it, each frame encoded once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

import gevent
import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.backplane.hub import Hub
from app.backplane.messages import AgentsTouched, Batch
from app.core import metrics
from app.core.logging import get_logger
from app.domain.agent import AgentView
from app.domain.event import StoredEvent
from app.domain.subscription import Filter
from app.gateway import frames
from app.gateway.closing import GAP
from app.gateway.connection import encode
from app.gateway.messages import Heads
from app.gateway.viewer import Subscription, Viewer, agents_frame, events_frame
from app.storage import agent_views

AGENTS_EVERY_S: Final = 1.0
HEADS_EVERY_S: Final = 3.0
MAX_TOUCHED: Final = 20_000

log = get_logger(__name__)
_decode = msgspec.json.Decoder(StoredEvent).decode


class _Wanted:
    """A batch's events of one project, decoded only if somebody filters."""

    def __init__(self, items: list[msgspec.Raw]) -> None:
        self.items = items
        self._events: list[StoredEvent] | None = None
        self._by_filter: dict[Filter, list[msgspec.Raw]] = {}

    @property
    def events(self) -> list[StoredEvent]:
        if self._events is None:
            self._events = [_decode(item) for item in self.items]
        return self._events

    def matching(self, wanted: Filter) -> list[msgspec.Raw]:
        found = self._by_filter.get(wanted)
        if found is None:
            found = self._by_filter[wanted] = [
                item
                for item, event in zip(self.items, self.events, strict=True)
                if wanted.matches(event)
            ]
        return found

    def by_agent(self, chosen: list[msgspec.Raw]) -> list[tuple[str, msgspec.Raw]]:
        return [(_decode(item).agent_id, item) for item in chosen]


class FanOut:
    """All viewers of this process. One instance a process."""

    def __init__(self, hub: Hub, engine: Engine) -> None:
        self._hub = hub
        self._engine = engine
        self._viewers: dict[str, set[Viewer]] = {}
        self._touched: dict[str, set[str]] = {}
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        self._to_flush: set[Viewer] = set()
        self._tell_everybody = False
        hub.on_batch.append(self._batch)
        hub.on_calm.append(self._flush)
        hub.on_agents.append(self._agents_touched)
        hub.on_missed.append(self._may_have_missed)
        hub.on_broken.append(self._send_away)

    def start(self) -> None:
        """Begin to tell of agents and heads."""
        if not self._greenlets:
            self._greenlets = [
                gevent.spawn(_every, AGENTS_EVERY_S, self._tell_agents),
                gevent.spawn(_every, HEADS_EVERY_S, self._tell_heads),
            ]

    def add(self, viewer: Viewer) -> None:
        """A dashboard has connected."""
        self._viewers.setdefault(viewer.project, set()).add(viewer)

    def remove(self, viewer: Viewer) -> None:
        """A dashboard has gone."""
        viewers = self._viewers.get(viewer.project)
        if viewers is not None:
            viewers.discard(viewer)
            if not viewers:
                del self._viewers[viewer.project]
                self._touched.pop(viewer.project, None)

    def viewers(self) -> list[Viewer]:
        """Everybody who looks."""
        return [viewer for viewers in self._viewers.values() for viewer in viewers]

    def _batch(self, batch: Batch) -> None:
        if not self._viewers:
            return
        for project, agent_ids in batch.agents.items():
            self._touch(project, agent_ids)
        cursor = ""
        for project, items in batch.items.items():
            viewers = self._viewers.get(project)
            if not viewers:
                continue
            cursor = cursor or str(self._hub.heads())
            wanted = _Wanted(items)
            frames_made: dict[tuple[str, Filter | None], bytes] = {}
            shown = 0
            for viewer in viewers:
                for subscription in viewer.subscriptions.values():
                    shown += self._send(batch, subscription, wanted, cursor, frames_made)
            if shown:
                metrics.events_out.inc(shown)
                self._to_flush |= viewers

    def _send(
        self,
        batch: Batch,
        subscription: Subscription,
        wanted: _Wanted,
        cursor: str,
        frames_made: dict[tuple[str, Filter | None], bytes],
    ) -> int:
        chosen = wanted.items
        name: tuple[str, Filter | None] = (subscription.id, None)
        if not subscription.wants_all:
            chosen = wanted.matching(subscription.filter)
            if not chosen:
                return 0
            name = (subscription.id, subscription.filter)
        if subscription.held is not None:
            weight = sum(map(len, chosen))
            subscription.held.hold(batch.partition, batch.last, chosen, weight)
            return 0
        viewer = subscription.viewer
        if subscription.mode == "latest" and viewer.slow:
            viewer.offer_latest(subscription, wanted.by_agent(chosen), cursor)
            return 0
        frame = frames_made.get(name)
        if frame is None:
            frame = frames_made[name] = events_frame(subscription.id, cursor, chosen)
        viewer.offer(subscription, frame, len(chosen), cursor)
        return len(chosen)

    def _flush(self) -> None:
        """Several batches that came together leave in one write for each viewer."""
        viewers, self._to_flush = self._to_flush, set()
        for viewer in viewers:
            viewer.connection.flush()

    def _agents_touched(self, message: AgentsTouched) -> None:
        if message.project in self._viewers:
            self._touch(message.project, message.agent_ids)

    def _may_have_missed(self) -> None:
        self._tell_everybody = True

    def _touch(self, project: str, agent_ids: Iterable[str]) -> None:
        if project in self._viewers:
            touched = self._touched.setdefault(project, set())
            if len(touched) < MAX_TOUCHED:
                touched.update(agent_ids)

    def _tell_agents(self) -> None:
        if self._tell_everybody:
            self._touch_all_agents()
        touched, self._touched = self._touched, {}
        for project, agent_ids in touched.items():
            viewers = self._viewers.get(project)
            if not viewers:
                continue
            try:
                found = self._agents_of(next(iter(viewers)).project_id, agent_ids)
            except SQLAlchemyError as error:
                # They are told of with the next round.
                self._touch(project, agent_ids)
                log.debug("agents_unknown", error=str(error).split("\n")[0])
                continue
            if found:
                self._send_agents(list(viewers), found)

    def _touch_all_agents(self) -> None:
        """Whose state changed while the backplane was away nobody can say: all are looked at."""
        looked_at = [next(iter(viewers)).project_id for viewers in self._viewers.values()]
        self._tell_everybody = False
        try:
            with self._engine.connect() as connection:
                for project_id in looked_at:
                    found = agent_views.page(connection, project_id, limit=MAX_TOUCHED)
                    self._touch(str(project_id), [view.agent_id for view in found])
        except SQLAlchemyError:
            self._tell_everybody = True
            raise

    def _agents_of(self, project_id: UUID, agent_ids: set[str]) -> list[AgentView]:
        with self._engine.connect() as connection:
            wanted = ((project_id, agent_id) for agent_id in agent_ids)
            return [view for _, view in agent_views.by_ids(connection, wanted)]

    def _send_agents(self, viewers: list[Viewer], found: list[AgentView]) -> None:
        frames_made: dict[tuple[str, frozenset[str]], bytes] = {}
        for viewer in viewers:
            if viewer.slow:
                # It is told with the next round, when it may have caught up.
                self._touch(viewer.project, [view.agent_id for view in found])
                continue
            for subscription in viewer.subscriptions.values():
                if subscription.held is not None:
                    continue
                name = (subscription.id, subscription.filter.agent_ids)
                frame = frames_made.get(name)
                if frame is None:
                    frame = frames_made[name] = agents_frame(subscription, found)
                if frame:
                    viewer.connection.send_frame(frame)

    def _tell_heads(self) -> None:
        if not self._viewers:
            return
        frame = frames.text(encode(Heads(str(self._hub.heads()))))
        for viewer in self.viewers():
            # Whoever catches up may not be told of a place that it has not come to yet.
            live = all(s.held is None for s in viewer.subscriptions.values())
            if live and not viewer.slow:
                viewer.connection.send_frame(frame)

    def _send_away(self) -> None:
        for viewer in self.viewers():
            viewer.connection.close(GAP)


def _every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        gevent.sleep(seconds)
        try:
            action()
        except SQLAlchemyError as error:
            log.debug("upkeep_failed", error=str(error).split("\n")[0])
        except Exception:
            log.exception("upkeep_failed")
