"""Reading events: pages of history, long polling, one event."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.access.places import Kind, Places
from app.api.cursors import CursorGone, check, heads_of, hold_whole
from app.api.description.operation import ListOf, described
from app.backplane.hub import Hub
from app.core.errors import BadRequest, NotFound
from app.domain.access import Permission
from app.domain.cursor import Cursor
from app.domain.event import StoredEvent, encode_event
from app.domain.paging import PageSize
from app.domain.subscription import Filter
from app.schemas.events import EventsQuery
from app.storage import history, partitions, tasks

MAX_PAGE_BYTES: Final = 4 * 1024 * 1024

Read = Callable[[Cursor, int], tuple[list[StoredEvent], Cursor]]
"""Reads at most so many events from a cursor on; returns them and the cursor behind them."""


class Page(msgspec.Struct):
    """Events and where to go on: None at the oldest event, never where new ones may follow."""

    items: list[StoredEvent]
    next: str | None


def create_blueprint(
    authenticator: Authenticator,
    engine: Engine,
    hub: Hub,
    draining: Callable[[], bool],
    places: Places,
) -> Blueprint:
    """The reading routes. Once ``draining`` says so, those that wait are let go.

    ``engine`` is a pool of its own: a read of history may take long, and nobody else waits for it.
    """
    blueprint = Blueprint("events", __name__, description="What happened.")

    @blueprint.route("/v1/events")
    class Events(MethodView):
        @blueprint.arguments(EventsQuery, location="query", unknown=RAISE)
        @described("list_events", Permission.READ, {200: ListOf(StoredEvent)}, refuses=(400, 410))
        def get(self, query: dict[str, Any]) -> Response:
            """Events, newest first; with ``after``, those behind a cursor, oldest first."""
            identity = authenticator.request(request, Permission.READ)
            with _place(places, Kind.POLL if query["wait"] else None):
                page = _page(query, identity.project_id, engine, hub, heads_of(hub), draining)
            return Response(msgspec.json.encode(page), content_type="application/json")

    @blueprint.route("/v1/tasks/<path:task_id>/events")
    class TaskEvents(MethodView):
        @blueprint.arguments(EventsQuery, location="query", unknown=RAISE)
        @described(
            "list_task_events", Permission.READ, {200: ListOf(StoredEvent)}, refuses=(400, 410)
        )
        def get(self, query: dict[str, Any], task_id: str) -> Response:
            """The events of one task, as ``/v1/events`` gives them."""
            identity = authenticator.request(request, Permission.READ)
            with engine.connect() as connection:
                if tasks.find(connection, identity.project_id, task_id) is None:
                    raise NotFound("There is no task with this id.")
            query["filter"] = replace(query["filter"], task_ids=frozenset({task_id}))
            with _place(places, Kind.POLL if query["wait"] else None):
                page = _page(query, identity.project_id, engine, hub, heads_of(hub), draining)
            return Response(msgspec.json.encode(page), content_type="application/json")

    @blueprint.route("/v1/events/<path:event_id>")
    class OneEvent(MethodView):
        @described("get_event", Permission.READ, {200: StoredEvent})
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

    return blueprint


@contextmanager
def _place(places: Places, kind: Kind | None) -> Iterator[None]:
    """A place for whoever waits; who is answered at once needs none."""
    if kind is None:
        yield
        return
    places.check(kind)
    with places.taken(kind):
        yield


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
        check(after, head, engine)
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
                hold_whole(place, partitions.lost_through(connection))
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
    return Page(found, str(place))


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
