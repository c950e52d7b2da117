"""A WebSocket client that can also say what no client should: every byte is made by hand."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
SUBPROTOCOL = "telltale.v1+json"
PATIENCE_S = 20.0

Message = dict[str, Any]


class Refused(Exception):
    """The server answered the handshake with something else than an upgrade."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(f"{status}: {body[:500]!r}")
        self.status = status
        self.headers = headers
        self.body = body

    def problem(self) -> Message:
        assert self.headers["content-type"] == "application/problem+json"
        body: Message = json.loads(self.body)
        assert body["status"] == self.status
        return body


class Closed(Exception):
    """The connection is at its end; 1006 if no close frame said so."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    final: bool


class Wire:
    """A connection after its handshake. A small ``buffer`` makes a reader that is soon slow."""

    def __init__(
        self,
        url: str,
        path: str,
        *,
        key: str = "",
        headers: Mapping[str, str] | None = None,
        protocols: Sequence[str] = (SUBPROTOCOL,),
        buffer: int | None = None,
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.sock = socket.socket()
        self.rest = b""
        try:
            if buffer is not None:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            self.sock.settimeout(PATIENCE_S)
            self.sock.connect((parts.hostname, parts.port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.headers = self._shake_hands(parts.netloc, path, key, headers or {}, protocols)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()

    def send(self, message: object) -> None:
        """A message as a JSON text frame."""
        self.send_frame(TEXT, json.dumps(message).encode())

    def send_frame(
        self,
        opcode: int,
        payload: bytes = b"",
        *,
        final: bool = True,
        masked: bool = True,
        reserved: int = 0,
    ) -> None:
        """Any frame, good or bad."""
        self.send_bytes(frame_bytes(opcode, payload, final=final, masked=masked, reserved=reserved))

    def send_bytes(self, raw: bytes) -> None:
        self.sock.sendall(raw)

    def receive(self, timeout_s: float = PATIENCE_S) -> Frame:
        """The next frame.

        Raises:
            Closed: it was a close frame, or the connection ended without one.
            TimeoutError: nothing came.
        """
        deadline = time.monotonic() + timeout_s
        head = self._exactly(2, deadline)
        length = head[1] & 0x7F
        assert not head[1] & 0x80, "a server's frames are not masked"
        assert not head[0] & 0x70, "no extension was agreed on"
        if length >= 126:
            length = int.from_bytes(self._exactly(2 if length == 126 else 8, deadline), "big")
        payload = self._exactly(length, deadline)
        opcode = head[0] & 0x0F
        if opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else 1005
            raise Closed(code, payload[2:].decode())
        return Frame(opcode, payload, bool(head[0] & 0x80))

    def message(self, timeout_s: float = PATIENCE_S) -> Message:
        """The next text message."""
        frame = self.receive(timeout_s)
        assert frame.opcode == TEXT, frame
        message: Message = json.loads(frame.payload)
        return message

    def bye(self, timeout_s: float = PATIENCE_S) -> Message:
        """The bye at the end, whatever comes before it; the close frame must say the same."""
        deadline = time.monotonic() + timeout_s
        last: Message = {}
        closed: Closed | None = None
        while closed is None:
            try:
                last = self.message(deadline - time.monotonic())
            except Closed as end:
                closed = end
        assert last.get("type") == "bye", f"no bye before {closed}, but {last}"
        assert closed.code == last["code"]
        assert str(last["reason"]).startswith(closed.reason)
        return last

    def quiet(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes for a while."""
        try:
            self.receive(seconds)
        except TimeoutError:
            return True
        return False

    def _shake_hands(
        self,
        host: str,
        path: str,
        key: str,
        headers: Mapping[str, str],
        protocols: Sequence[str],
    ) -> dict[str, str]:
        nonce = base64.b64encode(os.urandom(16)).decode()
        sent = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": nonce,
            "Sec-WebSocket-Version": "13",
            **({"Authorization": f"Bearer {key}"} if key else {}),
            **({"Sec-WebSocket-Protocol": ", ".join(protocols)} if protocols else {}),
            **headers,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        self.sock.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        deadline = time.monotonic() + PATIENCE_S
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._exactly(1, deadline)
        status_line, *rest = head.decode().rstrip().split("\r\n")
        received = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
        status = int(status_line.split(" ")[1])
        if status != 101:
            body = self._exactly(int(received.get("content-length", "0")), deadline)
            raise Refused(status, received, body)
        accept = hashlib.sha1(f"{nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        assert received["sec-websocket-accept"] == base64.b64encode(accept).decode()
        return received

    def _exactly(self, count: int, deadline: float) -> bytes:
        while len(self.rest) < count:
            self.sock.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                part = self.sock.recv(65_536)
            except ConnectionError:
                part = b""
            if not part:
                raise Closed(1006)
            self.rest += part
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken


def frame_bytes(
    opcode: int, payload: bytes, *, final: bool = True, masked: bool = True, reserved: int = 0
) -> bytes:
    """A client's frame, as it goes over the wire."""
    first = (0x80 if final else 0) | reserved | opcode
    mask_bit = 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head = bytes((first, mask_bit | length))
    elif length < 65_536:
        head = bytes((first, mask_bit | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + length.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = (mask * (length // 4 + 1))[:length]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + mask + mixed.to_bytes(length, "big")
