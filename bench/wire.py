"""A WebSocket client that costs next to nothing, so that the bench measures the server.

It speaks the protocol as any client does; only its frames are made by hand and its mask is zero,
which the server unmasks like any other.
"""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

_ZERO_MASK = b"\0\0\0\0"


def connect(url: str, path: str, key: str, *, buffer: int | None = None) -> socket.socket:
    """An open socket after the handshake.

    Raises:
        ConnectionError: the server refused.
    """
    parts = urlsplit(url)
    sock = socket.socket()
    if buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.settimeout(30)
    sock.connect((parts.hostname, parts.port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    nonce = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: telltale.v1+json\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    )
    head = b""
    while b"\r\n\r\n" not in head:
        part = sock.recv(1)
        if not part:
            raise ConnectionError(f"The server hung up: {head[:200]!r}")
        head += part
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise ConnectionError(f"No upgrade: {head[:200]!r}")
    return sock


def frame(payload: bytes) -> bytes:
    """A text frame from a client."""
    length = len(payload)
    if length < 126:
        return bytes((0x81, 0x80 | length)) + _ZERO_MASK + payload
    if length < 65536:
        return b"\x81\xfe" + length.to_bytes(2, "big") + _ZERO_MASK + payload
    return b"\x81\xff" + length.to_bytes(8, "big") + _ZERO_MASK + payload


class Incoming:
    """Takes bytes as they come, gives the payloads of whole text frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that these bytes complete; ends with ConnectionError at a close frame."""
        buffer = self._rest + data
        at = 0
        while len(buffer) - at >= 2:
            opcode = buffer[at] & 0x0F
            length = buffer[at + 1] & 0x7F
            head = at + 2
            if length == 126:
                length = int.from_bytes(buffer[head : head + 2], "big")
                head += 2
            elif length == 127:
                length = int.from_bytes(buffer[head : head + 8], "big")
                head += 8
            if head > len(buffer) or len(buffer) < head + length:
                break
            payload = buffer[head : head + length]
            at = head + length
            if opcode == 0x8:
                self._rest = buffer[at:]
                raise ConnectionError(f"The server closed: {payload[2:]!r}")
            if opcode == 0x1:
                yield payload
        self._rest = buffer[at:]
