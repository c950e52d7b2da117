"""``GET /v1/stream``: the live stream as server-sent events."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

import gevent
import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.access.authenticator import Authenticator
from app.access.places import Kind, Places
from app.access.standing import Ended
from app.access.watch import Watch
from app.api.cursors import check, heads_of
from app.api.description.operation import Media, described
from app.backplane.hub import Hub
from app.core.errors import BadRequest
from app.core.logging import get_logger
from app.domain.access import Permission
from app.domain.catch_up import misses
from app.domain.cursor import Cursor, CursorInvalid
from app.domain.event import StoredEvent, encode_event
from app.domain.paging import PageSize
from app.domain.subscription import Filter
from app.schemas.events import FilterQuery
from app.storage import history, partitions

HEARTBEAT_S: Final = 15.0
STREAM_PAGE: Final = 500
LOOK_AGAIN_S: Final = 1.0
PART_BYTES: Final = 65_536
"""Given out at once; it must be taken within the time-out."""

log = get_logger(__name__)
_encode = msgspec.json.Encoder().encode


class Bye(msgspec.Struct):
    """The last message of a stream whose credential has ended."""

    reason: str
    reconnect: bool


def create_blueprint(
    authenticator: Authenticator,
    engine: Engine,
    hub: Hub,
    draining: Callable[[], bool],
    places: Places,
    watch: Watch,
    send_timeout_s: float,
) -> Blueprint:
    """The stream's route. A stream ends once ``draining`` says so, with its credential, and when
    nothing of it was read for ``send_timeout_s``.
    """
    blueprint = Blueprint("stream", __name__, description="What happens now.")

    @blueprint.route("/v1/stream")
    class Stream(MethodView):
        @blueprint.arguments(FilterQuery, location="query", unknown=RAISE)
        @described(
            "follow_events",
            Permission.READ,
            {200: Media("text/event-stream", {"type": "string"})},
            headers=("Last-Event-ID",),
            refuses=(400, 410),
        )
        def get(self, query: dict[str, Any]) -> Response:
            """The live stream as server-sent events; ``Last-Event-ID`` continues it."""
            identity = authenticator.request(request, Permission.READ)
            places.check(Kind.STREAM)
            start = _start(request.headers.get("Last-Event-ID"), heads_of(hub), engine)

            sock = request.environ.get("gunicorn.socket")

            def stream() -> Iterator[bytes]:
                ended: list[Ended] = []
                with places.taken(Kind.STREAM), watch.over(identity, ended.append):
                    for part in _stream(
                        engine, hub, identity.project_id, query["filter"], start, draining, ended
                    ):
                        with _cut_off_after(send_timeout_s, sock):
                            yield part

            return Response(
                stream(),
                content_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )

    return blueprint


def _start(last_event_id: str | None, head: Cursor, engine: Engine) -> Cursor:
    if not last_event_id:
        return head
    try:
        cursor = Cursor.parse(last_event_id)
    except CursorInvalid as error:
        raise BadRequest(f"Last-Event-ID: {error}") from None
    check(cursor, head, engine)
    return cursor


def _stream(
    engine: Engine,
    hub: Hub,
    project_id: UUID,
    wanted: Filter,
    place: Cursor,
    draining: Callable[[], bool],
    ended: Sequence[Ended],
) -> Iterator[bytes]:
    yield b": telltale\nretry: 2000\n\n"
    size = PageSize(STREAM_PAGE)
    quiet_since = time.monotonic()
    while not draining():
        if ended:
            yield b"event: bye\ndata: %s\n\n" % _encode(Bye(ended[0], ended[0].reconnect))
            return
        head = hub.heads()
        if head.epoch != place.epoch:
            return
        if place != head:
            before = place
            found: list[StoredEvent] = []
            try:
                with engine.connect() as connection:
                    found, place = history.sweep(
                        connection, project_id, wanted, place, head, size.events
                    )
                    if misses(before, partitions.lost_through(connection)):
                        # The reader comes back with its last id, and is told.
                        return
            except SQLAlchemyError as error:
                # Nothing is lost by waiting, and whoever came back would wait too.
                log.debug("stream_waits", error=str(error).split("\n")[0])
                place, found = before, []
                gevent.sleep(LOOK_AGAIN_S)
            if found:
                messages = b"".join(_messages(found, before, place))
                size.learn(len(found), len(messages))
                for at in range(0, len(messages), PART_BYTES):
                    yield messages[at : at + PART_BYTES]
                quiet_since = time.monotonic()
                continue
        if time.monotonic() - quiet_since > HEARTBEAT_S:
            yield b"id: %s\nevent: heads\ndata: {}\n\n" % str(place).encode()
            quiet_since = time.monotonic()
        hub.moved.wait(1.0)


@contextmanager
def _cut_off_after(seconds: float, sock: socket.socket | None) -> Iterator[None]:
    """End the connection if the server is still writing to it then: the server itself would wait
    for its reader for ever.
    """
    if sock is None:
        yield
        return
    timer = gevent.spawn_later(seconds, _hang_up, sock)
    try:
        yield
    finally:
        timer.kill(block=False)


def _hang_up(sock: socket.socket) -> None:
    try:
        # By a second handle: gevent would tell the writer of the first that it was closed under its
        # hands, and the server would log that as a failure. So it finds a peer that has gone.
        with socket.fromfd(sock.fileno(), sock.family, sock.type) as same:
            same.shutdown(socket.SHUT_RDWR)
    except OSError as error:
        log.debug("shutdown_failed", error=str(error))


def _messages(found: list[StoredEvent], before: Cursor, after: Cursor) -> Iterator[bytes]:
    """A page as messages; the id of each is the cursor behind it."""
    for event in found:
        before = after if event is found[-1] else before.advance(event.partition, event.offset)
        # The sender may have written its data on several lines.
        data = b"\ndata: ".join(encode_event(event).splitlines())
        yield b"id: %s\nevent: event\ndata: %s\n\n" % (str(before).encode(), data)
