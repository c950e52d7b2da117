"""The two socket routes. Everything that can refuse a socket does so before the upgrade."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, Request, g, request
from flask_sock import Sock
from structlog.contextvars import bind_contextvars, clear_contextvars

from app.access.authenticator import Authenticator
from app.access.places import Kind, Places
from app.access.standing import Ended
from app.core.errors import BadRequest, Unavailable, UpgradeRequired
from app.core.logging import get_logger
from app.domain.access import Identity, Permission
from app.gateway.closing import CREDENTIAL_ENDED, FAILED, CloseNow
from app.gateway.connection import Connection
from app.gateway.gateway import Gateway

SUBPROTOCOLS = ["telltale.v1+json"]
SILENT_INTERVALS = 2.5

log = get_logger(__name__)


class NoThread:
    """In place of simple-websocket's reader thread, which buffers without bound: it never starts.

    flask-sock does the handshake; ``Connection`` owns the socket from there on.
    """

    name = "never started"

    def __init__(self, target: Any = None) -> None:
        """Takes what a Thread takes."""

    def start(self) -> None:
        """Does nothing."""


def register(  # noqa: C901
    app: Flask, gateway: Gateway, authenticator: Authenticator, places: Places
) -> None:
    """Add ``/ws/agent`` and ``/ws/dashboard`` to the app."""
    app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": SUBPROTOCOLS, "thread_class": NoThread}
    sock = Sock()
    agent_routes = Blueprint("agent_socket", __name__)
    viewer_routes = Blueprint("dashboard_socket", __name__)
    settings = gateway.settings

    def admit(kind: Kind, permission: Permission) -> None:
        _check_handshake(request)
        if gateway.draining:
            raise Unavailable("This server is stopping; connect again.", retry_after_s=1)
        places.check(kind)
        g.identity = authenticator.socket(request, permission)
        # permessage-deflate costs 98 KB a connection, and small frames gain nothing from it.
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)

    @agent_routes.before_request
    def admit_agent() -> None:
        admit(Kind.AGENT, Permission.SEND)

    @viewer_routes.before_request
    def admit_viewer() -> None:
        admit(Kind.VIEWER, Permission.READ)

    def connect(ws: Any, kind: Kind, max_queue_bytes: int) -> Connection:
        ws.connected = False  # flask-sock has nothing left to close.
        connection = Connection(
            ws.sock,
            kind=kind.value,
            max_frame_bytes=settings.max_frame_bytes,
            max_queue_bytes=max_queue_bytes,
            send_timeout_s=settings.send_timeout_s,
            silence_s=settings.ping_interval_s * SILENT_INTERVALS,
        )
        gateway.opened(connection)
        return connection

    def run(connection: Connection, serve: Callable[[Connection, Identity], None]) -> None:
        def end(why: Ended) -> None:
            connection.close(CREDENTIAL_ENDED[why])

        # Whatever is logged from this greenlet says whom it was about.
        bind_contextvars(connection=connection.id, kind=connection.kind)
        try:
            with places.taken(Kind(connection.kind)), gateway.watch.over(g.identity, end):
                serve(connection, g.identity)
        except CloseNow as now:
            connection.close(now.closing)
        except Exception:
            log.exception("socket_failed")
            connection.close(FAILED)
        finally:
            gateway.ended(connection)
            connection.finish()
            log.info("socket_ended", **connection.ending())
            clear_contextvars()

    @sock.route("/ws/agent", bp=agent_routes)
    def agent(ws: Any) -> None:
        connection = connect(ws, Kind.AGENT, 1024 * 1024)
        run(connection, gateway.agents.serve)

    @sock.route("/ws/dashboard", bp=viewer_routes)
    def dashboard(ws: Any) -> None:
        connection = connect(ws, Kind.VIEWER, settings.viewer_queue_bytes + 32 * 1024 * 1024)
        run(connection, gateway.dashboards.serve)

    app.register_blueprint(agent_routes)
    app.register_blueprint(viewer_routes)


def _check_handshake(asked: Request) -> None:
    """See that what flask-sock would stumble over is right (RFC 6455, 4.2.1).

    Raises:
        UpgradeRequired: another version.
        BadRequest: the key is not one.
    """
    if asked.headers.get("Sec-WebSocket-Version") != "13":
        raise UpgradeRequired
    try:
        key = base64.b64decode(asked.headers.get("Sec-WebSocket-Key", ""), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 16:
        raise BadRequest("Sec-WebSocket-Key must be 16 bytes in Base64.")
