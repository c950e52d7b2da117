"""A WebSocket as agents and dashboards have it: JSON frames, and one error when it is lost."""

from __future__ import annotations

import json
import time
from typing import Any, Self

import websocket

CONNECT_S = 3.0
SEND_S = 3.0
WELCOME_S = 6.0

Frame = dict[str, Any]


class Lost(Exception):
    """The connection ended, or its peer gives no sign of life.

    ``code`` is the HTTP status of a refused handshake, or that of the server's ``bye``; 0 if it
    left no word. ``retry_after_s`` is what it asked for.
    """

    def __init__(self, why: str, *, code: int = 0, retry_after_s: float = 0.0) -> None:
        super().__init__(why)
        self.code = code
        self.retry_after_s = retry_after_s


class Socket:
    """One open socket, abandoned at the end of its block.

    Every method raises ``Lost`` once the connection is gone.
    """

    def __init__(self, url: str, path: str, key: str) -> None:
        self._socket = websocket.WebSocket()
        try:
            self._socket.connect(  # type: ignore[no-untyped-call]
                f"{url.replace('http', 'ws', 1)}{path}",
                timeout=CONNECT_S,
                header=[f"Authorization: Bearer {key}"],
                subprotocols=["telltale.v1+json"],
                suppress_origin=True,
            )
        except websocket.WebSocketBadStatusException as error:
            self.abandon()
            wait = (error.resp_headers or {}).get("retry-after", "0")
            raise Lost(
                f"refused with {error.status_code}",
                code=error.status_code,
                retry_after_s=float(wait),
            ) from None
        except (OSError, websocket.WebSocketException) as error:
            self.abandon()
            raise Lost(f"no connection: {error}") from None
        self.heard_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def send(self, frame: bytes) -> None:
        """Send one frame of JSON."""
        try:
            self._socket.settimeout(SEND_S)
            self._socket.send(frame)
        except (OSError, websocket.WebSocketException) as error:
            raise Lost(f"nothing can be sent: {error}") from None

    def receive(self, timeout_s: float) -> Frame | None:
        """The next frame, None if there is none in time. A ``bye`` ends the connection."""
        try:
            self._socket.settimeout(max(timeout_s, 0.001))
            opcode, data = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            return None
        except (OSError, websocket.WebSocketException) as error:
            raise Lost(f"hung up: {error}") from None
        self.heard_at = time.monotonic()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise Lost(f"closed: {data[2:].decode(errors='replace')}")
        frame: Frame = json.loads(data)
        if frame["type"] == "bye":
            raise Lost(
                f"bye: {frame['reason']}",
                code=frame["code"],
                retry_after_s=frame.get("retry_after_ms", 0) / 1000,
            )
        return frame

    def hello(self, agent_id: str, incarnation: int) -> Frame:
        """Say hello as an agent; returns the welcome."""
        hello = {
            "type": "hello",
            "agent_id": agent_id,
            "role": "worker",
            "incarnation": incarnation,
        }
        self.send(json.dumps(hello).encode())
        welcome = self.receive(WELCOME_S)
        if welcome is None or welcome["type"] != "welcome":
            raise Lost(f"no welcome: {welcome}")
        return welcome

    def abandon(self) -> None:
        """Be gone without a word, as a killed process is."""
        self._socket.shutdown()  # type: ignore[no-untyped-call]
