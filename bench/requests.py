"""An HTTP client that costs next to nothing: prepared requests over connections that are kept."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TIMEOUT_S = 30.0


@dataclass(slots=True)
class Answered:
    """What came back in one run. Latencies in milliseconds, in order."""

    latencies_ms: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    elapsed_s: float = 0.0
    last_body: bytes = b""


def request(url: str, key: str, method: str, path: str, body: bytes, *headers: str) -> bytes:
    """A whole request, ready for the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def keep_asking(url: str, clients: int, seconds: float, make: Callable[[int], bytes]) -> Answered:
    """Each client sends its next request as soon as it has its answer; ``make`` gets a number.

    Raises:
        ConnectionError: the server hung up.
    """
    answered = Answered()
    selector = selectors.DefaultSelector()
    lines = [_Line(url) for _ in range(clients)]
    number = 0
    started = time.perf_counter()
    for line in lines:
        selector.register(line.sock, selectors.EVENT_READ, line)
        line.send(make(number))
        number += 1
    waiting = len(lines)
    while waiting:
        for selected, _ in selector.select(TIMEOUT_S):
            line = selected.data
            if not line.receive(answered):
                continue
            if time.perf_counter() - started < seconds:
                line.send(make(number))
                number += 1
            else:
                waiting -= 1
    answered.elapsed_s = time.perf_counter() - started
    for line in lines:
        line.sock.close()
    return answered


class _Line:
    """One connection with at most one request under way."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.sock = socket.create_connection((parts.hostname or "", parts.port or 80), TIMEOUT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""
        self._sent_at = 0.0

    def send(self, message: bytes) -> None:
        self._data = b""
        self._sent_at = time.perf_counter()
        self.sock.sendall(message)

    def receive(self, answered: Answered) -> bool:
        """Whether the answer is whole now; then it is counted."""
        part = self.sock.recv(262_144)
        if not part:
            raise ConnectionError(f"The server hung up: {self._data[:200]!r}")
        self._data += part
        head, found, body = self._data.partition(b"\r\n\r\n")
        if not found:
            return False
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) < length:
            return False
        status = int(head[9:12])
        answered.latencies_ms.append((time.perf_counter() - self._sent_at) * 1000)
        answered.statuses[status] = answered.statuses.get(status, 0) + 1
        answered.last_body = body
        return True
