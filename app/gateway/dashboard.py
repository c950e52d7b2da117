"""A dashboard's socket: subscribe, catch up, live (protocol §5)."""

from __future__ import annotations

import time
from typing import Final

import gevent
import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bind_contextvars

from app.backplane.hub import Hub
from app.core.logging import get_logger
from app.domain.access import Identity
from app.domain.catch_up import Held, covers, misses, unusable
from app.domain.cursor import Cursor, CursorInvalid
from app.domain.event import encode_event
from app.domain.paging import PageSize
from app.gateway.closing import GAP, LIMIT, RATE, CloseNow, bad_frame
from app.gateway.connection import Connection
from app.gateway.fan_out import FanOut
from app.gateway.filter_spec import to_filter
from app.gateway.messages import (
    CaughtUp,
    Ping,
    Pong,
    Resumed,
    Subscribe,
    Unsubscribe,
    ViewerWelcome,
    decode_viewer,
)
from app.gateway.viewer import (
    Subscription,
    Viewer,
    agents_frame,
    events_frame,
    snapshot_frame,
)
from app.settings import Settings
from app.storage import agent_views, history, partitions, snapshots

MAX_SUBSCRIPTIONS: Final = 20
PAGE_EVENTS: Final = 2000
MAX_AGENTS: Final = 10_000
"""Agents in one frame; a snapshot says how many there are in all."""

MAX_TASKS: Final = 500
"""Tasks in a snapshot, the newest; ``GET /v1/tasks`` has all."""

HELD_EVENTS: Final = 20_000
LAG_S: Final = 5.0
MAX_FRAMES: Final = 200
FRAMES_WINDOW_S: Final = 10.0

log = get_logger(__name__)


class _Offset(msgspec.Struct):
    offset: int


_decode_offset = msgspec.json.Decoder(_Offset).decode


def _offset_of(item: msgspec.Raw) -> int:
    return _decode_offset(item).offset


class Dashboards:
    """The viewers' side of the gateway. One instance a process."""

    def __init__(self, settings: Settings, engine: Engine, hub: Hub, fan_out: FanOut) -> None:
        self._settings = settings
        self._engine = engine
        self._hub = hub
        self._fan_out = fan_out

    def serve(self, connection: Connection, identity: Identity) -> None:
        """Run one dashboard's connection until it ends."""
        settings = self._settings
        viewer = Viewer(
            connection,
            identity.project_id,
            max_events=settings.viewer_queue_events,
            max_bytes=settings.viewer_queue_bytes,
            policy=settings.viewer_drop_policy,
        )
        self._fan_out.add(viewer)
        window, count = time.monotonic(), 0
        try:
            if not self._hub.ready.wait(LAG_S):
                connection.close(GAP)
                return
            viewer.tell(ViewerWelcome(connection.id, self._hub.epoch, settings.ping_interval_s))
            for payload in connection.messages():
                now = time.monotonic()
                if now - window > FRAMES_WINDOW_S:
                    window, count = now, 0
                count += 1
                if count > MAX_FRAMES:
                    connection.close(RATE)
                    return
                self._handle(viewer, payload)
        finally:
            for subscription in viewer.subscriptions.values():
                subscription.ended = True
            self._fan_out.remove(viewer)

    def _handle(self, viewer: Viewer, payload: bytes) -> None:
        try:
            frame = decode_viewer(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            viewer.connection.close(bad_frame(f"{error}."))
            return
        match frame:
            case Ping():
                viewer.tell(Pong())
            case Unsubscribe():
                viewer.end(frame.id)
            case Subscribe():
                try:
                    self._subscribe(viewer, frame)
                except ValueError as error:
                    viewer.connection.close(bad_frame(str(error)))

    def _subscribe(self, viewer: Viewer, frame: Subscribe) -> None:
        viewer.end(frame.id)
        if len(viewer.subscriptions) >= MAX_SUBSCRIPTIONS:
            viewer.connection.close(LIMIT)
            return
        subscription = Subscription(
            frame.id, viewer, to_filter(frame.filter), frame.mode, held=Held(HELD_EVENTS)
        )
        viewer.subscriptions[frame.id] = subscription
        gevent.spawn(self._follow, subscription, frame.cursor)

    def _follow(self, subscription: Subscription, cursor_text: str | None) -> None:
        """Bring a subscription from its cursor, or from a snapshot, to live."""
        connection = subscription.viewer.connection
        bind_contextvars(connection=connection.id, subscription=subscription.id)
        try:
            cursor = self._begin(subscription, cursor_text)
            while not (subscription.ended or connection.closed):
                assert subscription.held is not None
                if self._go_live(subscription, cursor):
                    if cursor_text is not None:
                        # What changed without an event, above all who was lost meanwhile.
                        self._tell_agents(subscription)
                    return
                # Read on from history: more came in than may be held, or this process is behind.
                subscription.held = Held(HELD_EVENTS)
                cursor = self._read_history(subscription, cursor, self._hub.heads())
        except CloseNow as now:
            connection.close(now.closing)
        except SQLAlchemyError as error:
            log.warning("catch_up_failed", error=str(error).split("\n")[0])
            connection.close(GAP)
        except Exception:
            log.exception("catch_up_failed")
            connection.close(GAP)

    def _begin(self, subscription: Subscription, cursor_text: str | None) -> Cursor:
        if cursor_text is None:
            return self._snapshot(subscription)
        cursor, reason = self._usable(cursor_text)
        heads = self._hub.heads()
        # How far a cursor of another epoch is behind cannot be told.
        missed = 0 if cursor is None or reason == "epoch" else cursor.missed(heads)
        subscription.viewer.tell(
            Resumed(id=subscription.id, recovered=not reason, missed=missed, reason=reason),
            subscription,
        )
        if cursor is None or reason:
            return self._snapshot(subscription)
        return self._read_history(subscription, cursor, heads)

    def _usable(self, text: str) -> tuple[Cursor | None, str | None]:
        """The cursor, as far as it can be read, and why it cannot be resumed."""
        try:
            cursor = Cursor.parse(text)
        except CursorInvalid:
            return None, "epoch"
        heads = self._hub.heads()
        if cursor.epoch == heads.epoch and len(cursor.offsets) == len(heads.offsets):
            # Another process may have been ahead of this one.
            if not self._wait_for(cursor):
                if self._is_stored(cursor):
                    raise CloseNow(GAP)
                return cursor, "epoch"
            heads = self._hub.heads()
        with self._engine.connect() as connection:
            lost_through = partitions.lost_through(connection)
        return cursor, unusable(cursor, heads, lost_through, self._settings.catch_up_max_events)

    def _is_stored(self, cursor: Cursor) -> bool:
        """Whether PostgreSQL has all that the cursor has seen: then only this process is behind."""
        with self._engine.connect() as connection:
            states = partitions.states(connection)
        heads = {state.partition: state.head for state in states}
        return covers(Cursor.at(cursor.epoch, heads, len(cursor.offsets)), cursor)

    def _snapshot(self, subscription: Subscription) -> Cursor:
        viewer = subscription.viewer
        taken = snapshots.take(
            self._engine,
            viewer.project_id,
            subscription.filter,
            agents=MAX_AGENTS,
            tasks=MAX_TASKS,
            events=self._settings.snapshot_events,
        )
        if subscription.ended:
            return taken.cursor
        frame = snapshot_frame(subscription.id, taken)
        viewer.send_page(subscription, frame, len(taken.events), taken.cursor)
        viewer.wait_until_calm()
        return taken.cursor

    def _read_history(self, subscription: Subscription, cursor: Cursor, until: Cursor) -> Cursor:
        viewer = subscription.viewer
        size = PageSize(PAGE_EVENTS)
        while not (subscription.ended or viewer.connection.closed):
            before = cursor
            with self._engine.connect() as connection:
                page, cursor = history.sweep(
                    connection, viewer.project_id, subscription.filter, cursor, until, size.events
                )
                lost_through = partitions.lost_through(connection)
            if misses(before, lost_through):
                # Retention came in between: its cursor tells the viewer so when it resumes.
                raise CloseNow(GAP)
            if page and not subscription.ended:
                items = [msgspec.Raw(encode_event(event)) for event in page]
                frame = events_frame(subscription.id, str(cursor), items)
                size.learn(len(items), len(frame))
                viewer.send_page(subscription, frame, len(items), cursor)
                viewer.wait_until_calm()
            if cursor == until or covers(cursor, until):
                break
            gevent.sleep(0)
        return cursor

    def _go_live(self, subscription: Subscription, cursor: Cursor) -> bool:
        """Send what was held, and let live frames through; False if too much was held."""
        if not self._wait_for(cursor):
            return False
        # No switch of greenlets from here to the end: nothing can come in between.
        held = subscription.held
        if held is None or held.overflowed or subscription.ended:
            return False
        heads = self._hub.heads()
        viewer = subscription.viewer
        items = held.release(cursor, _offset_of)
        if items:
            frame = events_frame(subscription.id, str(heads), items)
            viewer.send_page(subscription, frame, len(items), heads)
        subscription.held = None
        subscription.cursor = str(heads)
        viewer.tell(CaughtUp(subscription.id, subscription.cursor))
        return True

    def _tell_agents(self, subscription: Subscription) -> None:
        """Tell one subscription how its agents are now."""
        with self._engine.connect() as connection:
            found = agent_views.page(
                connection,
                subscription.viewer.project_id,
                among=subscription.filter.agent_ids,
                limit=MAX_AGENTS,
            )
        frame = agents_frame(subscription, found)
        if frame:
            subscription.viewer.connection.send_frame(frame)

    def _wait_for(self, cursor: Cursor) -> bool:
        """Wait until this process has delivered what the cursor has seen."""
        deadline = time.monotonic() + LAG_S
        while not covers(self._hub.heads(), cursor):
            if time.monotonic() > deadline:
                return False
            self._hub.moved.wait(0.1)
        return True
