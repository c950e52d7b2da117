"""A simulated dashboard in a process of its own: counts what is shown, and how late."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from bench.fleet import PING_EVERY_S
from bench.wire import Incoming, connect, frame


class _Data(msgspec.Struct):
    sent_ns: int = 0


class _Item(msgspec.Struct):
    partition: int
    offset: int
    agent_id: str
    data: _Data


class _Events(msgspec.Struct, tag="events"):
    cursor: str
    items: list[_Item]


@dataclass(slots=True)
class Seen:
    """What the dashboard saw. Latencies in milliseconds."""

    events: int = 0
    out_of_order: int = 0
    last_at: float = 0.0
    cpu_s: float = 0.0
    latencies_ms: list[float] | None = None


class Watcher:
    """Starts the dashboard's process; ``seen`` asks it."""

    def __init__(self, url: str, key: str, *, latencies: bool = False) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_watch, args=(theirs, url, key, latencies), daemon=True
        )
        self._process.start()
        self._pipe.recv()

    def seen(self) -> Seen:
        """What was seen up to now."""
        self._pipe.send("seen")
        seen: Seen = self._pipe.recv()
        return seen

    def wait_for(self, events: int, timeout_s: float, meanwhile: Callable[[], Any]) -> Seen:
        """Wait until this many were seen, doing something in between."""
        deadline = time.monotonic() + timeout_s
        while (seen := self.seen()).events < events and time.monotonic() < deadline:
            meanwhile()
        return seen

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join(5)


def _watch(pipe: Connection, url: str, key: str, latencies: bool) -> None:  # noqa: C901
    decode = msgspec.json.Decoder(_Events).decode
    sock = connect(url, "/ws/dashboard", key)
    sock.sendall(frame(b'{"type":"subscribe","id":"live"}'))
    incoming = Incoming()
    seen = Seen(latencies_ms=[] if latencies else None)
    places: dict[int, int] = {}
    ready = False
    pinged_at = time.monotonic()
    while True:
        if time.monotonic() - pinged_at > PING_EVERY_S:
            pinged_at = time.monotonic()
            sock.sendall(frame(b'{"type":"ping"}'))
        sock.settimeout(0.02)
        try:
            data = sock.recv(1_048_576)
        except TimeoutError:
            data = b""
        for payload in incoming.feed(data) if data else ():
            if payload.startswith(b'{"type":"events"'):
                now_ns = time.time_ns()
                for item in decode(payload).items:
                    if places.get(item.partition, 0) >= item.offset:
                        seen.out_of_order += 1
                    places[item.partition] = item.offset
                    seen.events += 1
                    if seen.latencies_ms is not None and item.data.sent_ns:
                        seen.latencies_ms.append((now_ns - item.data.sent_ns) / 1e6)
                seen.last_at = time.time()
            elif not ready and payload.startswith(b'{"type":"caught_up"'):
                ready = True
                pipe.send("ready")
        if pipe.poll():
            pipe.recv()
            seen.cpu_s = time.process_time()
            pipe.send(seen)
