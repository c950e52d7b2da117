"""A Telltale server for tests: real sockets, and a script for each connection."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

KEY = "tt_test_key"
Frame = dict[str, Any]


def eventually(condition: Callable[[], object], timeout_s: float = 10.0, what: str = "") -> None:
    """Poll until the condition holds; fail if it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, what or "the condition did not come true in time"
        time.sleep(0.005)


@dataclass
class History:
    """What the server keeps of one agent: exactly what the protocol promises, no more.

    It lets two incarnations talk at the same time, so that tests can look at both.
    """

    seqs: dict[int, int] = field(default_factory=dict)
    items: list[Frame] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    duplicates: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, incarnation: int, frame: Frame) -> tuple[bool, int]:
        """Store a frame's events. Returns whether there was no hole, and the last number taken."""
        with self.lock:
            seq = self.seqs.get(incarnation, 0)
            if frame["seq"] > seq + 1:
                return False, seq
            for item in frame["items"][seq + 1 - frame["seq"] :]:
                seq += 1
                if item["id"] in self.ids:
                    self.duplicates += 1
                else:
                    self.ids.add(item["id"])
                    self.items.append(item)
            self.seqs[incarnation] = seq
            return True, seq


class Peer:
    """The server's end of one connection."""

    def __init__(self, socket_: ServerConnection, server: ScriptedServer) -> None:
        self.socket = socket_
        self.server = server
        self.hello: Frame = {}

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def receive(self, kind: str, timeout_s: float = 10.0) -> Frame:
        """The next frame of this type; pings are answered and answers kept on the way."""
        while True:
            frame: Frame = json.loads(self.socket.recv(timeout_s))
            self.server.frames.append(frame)
            if frame["type"] == kind:
                return frame
            assert frame["type"] in {"ping", "command_ack"}, frame
            if frame["type"] == "ping":
                self.send("pong")

    def welcome(self, stored: int | None = None, **fields: Any) -> None:
        """Answer the hello; without ``stored``, with what the history has of this incarnation."""
        self.hello = self.receive("hello")
        self.server.hellos.append(self.hello)
        if stored is None:
            stored = self.history.seqs.get(self.hello["incarnation"], 0)
        given = {"connection": "c", "stored": stored, "logged": stored, "ping_interval_s": 20}
        self.send("welcome", **{**given, **fields})

    def take(self, frame: Frame) -> tuple[bool, int]:
        """Store a frame without a word."""
        return self.history.take(self.hello["incarnation"], frame)

    @property
    def history(self) -> History:
        return self.server.history(self.hello["agent_id"])

    def close(self, code: int, reason: str = "", *, reconnect: bool = True, **fields: Any) -> None:
        self.send("bye", code=code, reason=reason, reconnect=reconnect, **fields)
        self.socket.close(code, reason)

    def vanish(self, last_words: bytes = b"") -> None:
        """Reset the connection, as a killed machine behind a router would."""
        raw = self.socket.socket
        if last_words:
            raw.sendall(last_words)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.shutdown(socket.SHUT_RD)
        raw.close()

    def store(self, count: int | None = None) -> None:
        """Take `count` frames of events as a good server would; None means until it closes."""
        done = 0
        while count is None or done < count:
            frame = self.receive("events", 60.0)
            done += 1
            taken, last = self.take(frame)
            if taken:
                self.send("ack", logged=last, stored=last)
            else:
                self.send("nack", expected=last + 1)

    def serve(self) -> None:
        """Be a good server to the end."""
        self.welcome()
        self.store()


Script = Callable[[Peer], None]


class ScriptedServer:
    """Plays one script for each connection in turn, and is a good server after the last."""

    def __init__(self, *scripts: Script, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.scripts = list(scripts)
        self.hellos: list[Frame] = []
        self.frames: list[Frame] = []
        self.requests: list[Request] = []
        self.errors: list[BaseException] = []
        self.refuse: Response | None = None
        self._histories: dict[str, History] = {}
        self._open: set[ServerConnection] = set()
        self._lock = threading.Lock()
        self._server: Server = serve(
            self._handle,
            "127.0.0.1",
            port,
            ssl=tls,
            subprotocols=["telltale.v1+json"],  # type: ignore[list-item]
            compression=None,
            ping_interval=None,
            close_timeout=1,
            max_size=2**24,
            process_request=self._check,
        )
        self.port: int = self._server.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def history(self, agent_id: str) -> History:
        with self._lock:
            return self._histories.setdefault(agent_id, History())

    def messages(self, agent_id: str = "a") -> list[str]:
        """What this agent's stored logs say, in the order in which they were stored."""
        return [item["data"]["message"] for item in list(self.history(agent_id).items)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._open):
            connection.close_socket()
        eventually(lambda: not self._open)
        if self.errors:
            raise self.errors[0]

    def _check(self, _: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return self.refuse

    def _handle(self, connection: ServerConnection) -> None:
        with self._lock:
            self._open.add(connection)
            script = self.scripts.pop(0) if self.scripts else Peer.serve
        try:
            script(Peer(connection, self))
        except (ConnectionClosed, OSError, TimeoutError):
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            with self._lock:
                self._open.discard(connection)
