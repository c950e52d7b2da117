"""Fan-out: one stream to 500 dashboards, one of which does not read."""

from __future__ import annotations

import multiprocessing
import selectors
import time
from multiprocessing.connection import Connection
from typing import Any

from bench.fleet import Crowd, join, leave
from bench.report import say
from bench.wire import Incoming, connect, frame
from launcher.stack import Stack

DASHBOARDS = 500
READERS = 2
SPEAKERS = 32
EVENTS_PER_S = 2000


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """Frames per second over all dashboards, without and with one that has stopped reading."""
    agents = join(stack.url, stack.admin_key, SPEAKERS, prefix="speaker")
    crowd = Crowd(agents)
    context = multiprocessing.get_context("spawn")
    readers = []
    say(f"connecting {DASHBOARDS} dashboards …")
    for _ in range(READERS):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_read,
            args=(theirs, stack.url, stack.admin_key, DASHBOARDS // READERS),
            daemon=True,
        )
        process.start()
        readers.append((process, ours))
    for _, pipe in readers:
        pipe.recv()
    healthy = _measure(crowd, [pipe for _, pipe in readers], seconds)
    say(f"{healthy:,.0f} frames/s to {DASHBOARDS} dashboards")
    deaf = connect(stack.url, "/ws/dashboard", stack.admin_key, buffer=4096)
    deaf.sendall(frame(b'{"type":"subscribe","id":"live"}'))
    beside = _measure(crowd, [pipe for _, pipe in readers], seconds)
    say(f"{beside:,.0f} frames/s beside one that does not read")
    deaf.close()
    for process, _ in readers:
        process.terminate()
        process.join(5)
    leave(agents)
    return {"frames_per_s": round(healthy), "frames_per_s_beside_a_deaf_one": round(beside)}


def _measure(crowd: Crowd, pipes: list[Connection], seconds: float) -> float:
    before = _frames(pipes)
    started = time.perf_counter()
    turn = 0
    while time.perf_counter() - started < seconds:
        for agent in crowd.agents:
            if agent.sent - agent.stored < 50 and crowd.push(agent):
                crowd.send(agent, 1, 1)
                turn += 1
        crowd.listen(len(crowd.agents) / EVENTS_PER_S)
    elapsed = time.perf_counter() - started
    return (_frames(pipes) - before) / elapsed


def _frames(pipes: list[Connection]) -> int:
    for pipe in pipes:
        pipe.send("count")
    return sum(pipe.recv() for pipe in pipes)


def _read(pipe: Connection, url: str, key: str, count: int) -> None:
    selector = selectors.DefaultSelector()
    for _ in range(count):
        sock = connect(url, "/ws/dashboard", key)
        sock.sendall(frame(b'{"type":"subscribe","id":"live"}'))
        selector.register(sock, selectors.EVENT_READ, Incoming())
        sock.setblocking(False)
    ready = frames = 0
    while True:
        for selected, _ in selector.select(0.02):
            data = selected.fileobj.recv(262_144)  # type: ignore[union-attr]
            for payload in selected.data.feed(data):
                if payload.startswith(b'{"type":"events"'):
                    frames += 1
                elif payload.startswith(b'{"type":"caught_up"'):
                    ready += 1
                    if ready == count:
                        pipe.send("ready")
        if ready >= count and pipe.poll():
            pipe.recv()
            pipe.send(frames)
