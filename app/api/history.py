"""Reading events: pages of history, long polling, one event, server-sent events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.backplane.hub import Hub
from app.core.errors import BadRequest, NotFound, Problem, Unavailable
from app.domain.access import Permission
from app.domain.catch_up import misses, unusable
from app.domain.cursor import Cursor, CursorInvalid
from app.domain.event import StoredEvent, encode_event
from app.domain.paging import PageSize
from app.domain.subscription import Filter
from app.schemas.events import EventsQuery, FilterQuery
from app.storage import history, partitions

HEARTBEAT_S: Final = 15.0
STREAM_PAGE: Final = 500
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024
READY_S: Final = 5.0


Read = Callable[[Cursor, int], tuple[list[StoredEvent], Cursor]]
"""Reads at most so many events from a cursor on; returns them and the cursor behind them."""


class CursorGone(Problem):
    """The cursor is of another epoch, or history does not reach back so far."""

    status, code, title = 410, "cursor_gone", "This cursor is of no use any more"


class Page(msgspec.Struct):
    """Events and where to go on."""

    items: list[StoredEvent]
    next: str | None


def create_blueprint(
    authenticator: Authenticator, engine: Engine, hub: Hub, draining: Callable[[], bool]
) -> Blueprint:
    """The reading routes. Once ``draining`` says so, those that wait are let go."""
    blueprint = Blueprint("events", __name__, description="What happened.")

    def heads() -> Cursor:
        if not hub.ready.wait(READY_S):
            raise Unavailable("The heads of the partitions are not known yet.", retry_after_s=1)
        return hub.heads()

    @blueprint.route("/v1/events")
    class Events(MethodView):
        @blueprint.arguments(EventsQuery, location="query", unknown=RAISE)
        def get(self, query: dict[str, Any]) -> Response:
            """Events, newest first; with ``after``, those behind a cursor, oldest first."""
            identity = authenticator.request(request, Permission.READ)
            page = _page(query, identity.project_id, engine, hub, heads(), draining)
            return Response(msgspec.json.encode(page), content_type="application/json")

    @blueprint.route("/v1/events/<path:event_id>")
    class OneEvent(MethodView):
        def get(self, event_id: str) -> Response:
            """One event by its id."""
            identity = authenticator.request(request, Permission.READ)
            found = None
            if "\0" not in event_id:
                with engine.connect() as connection:
                    found = history.one(connection, identity.project_id, event_id)
            if found is None:
                raise NotFound("There is no event with this id.")
            return Response(encode_event(found), content_type="application/json")

    @blueprint.route("/v1/stream")
    class Stream(MethodView):
        @blueprint.arguments(FilterQuery, location="query", unknown=RAISE)
        def get(self, query: dict[str, Any]) -> Response:
            """The live stream as server-sent events; ``Last-Event-ID`` continues it."""
            identity = authenticator.request(request, Permission.READ)
            start = _start(request.headers.get("Last-Event-ID"), heads(), engine)
            return Response(
                _stream(engine, hub, identity.project_id, query["filter"], start, draining),
                content_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )

    return blueprint


def _page(
    query: dict[str, Any],
    project_id: Any,
    engine: Engine,
    hub: Hub,
    head: Cursor,
    draining: Callable[[], bool],
) -> Page:
    wanted: Filter = query["filter"]
    since, until = query.get("since"), query.get("until")
    limit: int = query["limit"]
    after: Cursor | None = query.get("after")
    cursor: Cursor | None = query.get("cursor")
    forward = query.get("order", "asc" if after is not None else "desc") == "asc"
    if after is not None:
        if not forward:
            raise BadRequest("after goes with order=asc.")
        _check(after, head, engine)
    if cursor is not None and (
        cursor.epoch != head.epoch or len(cursor.offsets) != len(head.offsets)
    ):
        raise CursorGone

    def newest(place: Cursor, limit: int) -> tuple[list[StoredEvent], Cursor]:
        with engine.connect() as connection:
            return history.newest(
                connection, project_id, wanted, place, limit, since=since, before=until
            )

    def next_ones(place: Cursor, limit: int) -> tuple[list[StoredEvent], Cursor]:
        if place == head:
            return [], place
        with engine.connect() as connection:
            found, reached = history.forward(
                connection, project_id, wanted, place, head, limit, since=since, before=until
            )
            if after is not None and any(after.offsets):
                _hold_whole(place, partitions.lost_through(connection))
        # A cursor from a process that is ahead of this one must not go back.
        return found, place.after(enumerate(reached.offsets))

    if not forward:
        found, older = _bounded(newest, cursor or head, limit)
        return Page(found, str(older) if any(older.offsets) else None)
    place = cursor or after or Cursor(head.epoch, (0,) * len(head.offsets))
    found, place = _bounded(next_ones, place, limit)
    deadline = time.monotonic() + query["wait"]
    while not found and (left := deadline - time.monotonic()) > 0 and not draining():
        hub.moved.wait(min(left, 1.0))
        head = hub.heads()
        found, place = _bounded(next_ones, place, limit)
    more = place != head or after is not None
    return Page(found, str(place) if more else None)


def _bounded(read: Read, place: Cursor, limit: int) -> tuple[list[StoredEvent], Cursor]:
    """Up to ``limit`` events, fewer where they are large: a page has a few mebibytes at most."""
    size = PageSize(limit)
    found: list[StoredEvent] = []
    weight = 0
    while len(found) < limit and weight < MAX_PAGE_BYTES:
        asked = min(size.events, limit - len(found))
        part, place = read(place, asked)
        found += part
        part_weight = sum(len(event.data) for event in part)
        weight += part_weight
        if len(part) < asked:
            break
        size.learn(len(part), part_weight)
    return found, place


def _hold_whole(cursor: Cursor, lost_through: Mapping[int, int]) -> None:
    """Looked at behind each page too: retention may come while somebody waits."""
    if misses(cursor, lost_through):
        raise CursorGone("Start again without a cursor (retention).")


def _check(cursor: Cursor, head: Cursor, engine: Engine) -> None:
    with engine.connect() as connection:
        lost_through = partitions.lost_through(connection)
    reason = unusable(cursor, head, lost_through, 2**62)
    # History read from the very beginning misses nothing that was ever promised.
    if reason == "epoch" or (reason is not None and any(cursor.offsets)):
        raise CursorGone(f"Start again without a cursor ({reason}).")


def _start(last_event_id: str | None, head: Cursor, engine: Engine) -> Cursor:
    if not last_event_id:
        return head
    try:
        cursor = Cursor.parse(last_event_id)
    except CursorInvalid as error:
        raise BadRequest(f"Last-Event-ID: {error}") from None
    _check(cursor, head, engine)
    return cursor


def _stream(
    engine: Engine,
    hub: Hub,
    project_id: Any,
    wanted: Filter,
    place: Cursor,
    draining: Callable[[], bool],
) -> Iterator[bytes]:
    yield b": telltale\nretry: 2000\n\n"
    size = PageSize(STREAM_PAGE)
    quiet_since = time.monotonic()
    while not draining():
        head = hub.heads()
        if head.epoch != place.epoch:
            return
        if place != head:
            before = place
            with engine.connect() as connection:
                found, place = history.sweep(
                    connection, project_id, wanted, place, head, size.events
                )
                if misses(before, partitions.lost_through(connection)):
                    # The reader comes back with its last id, and is told.
                    return
            if found:
                messages = b"".join(_messages(found, before, place))
                size.learn(len(found), len(messages))
                yield messages
                quiet_since = time.monotonic()
                continue
        if time.monotonic() - quiet_since > HEARTBEAT_S:
            yield b"id: %s\nevent: heads\ndata: {}\n\n" % str(place).encode()
            quiet_since = time.monotonic()
        hub.moved.wait(1.0)


def _messages(found: list[StoredEvent], before: Cursor, after: Cursor) -> Iterator[bytes]:
    """A page as messages; the id of each is the cursor behind it."""
    for event in found:
        before = after if event is found[-1] else before.advance(event.partition, event.offset)
        # The sender may have written its data on several lines.
        data = b"\ndata: ".join(encode_event(event).splitlines())
        yield b"id: %s\nevent: event\ndata: %s\n\n" % (str(before).encode(), data)
