"""Catch-up: a dashboard comes back after an hour's absence, 100,000 events later."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from bench.fleet import Crowd, join, leave, wait_until
from bench.report import say
from bench.wire import Incoming, connect, frame
from launcher.stack import Stack

EVENTS = 100_000
AGENTS = 50


class _Frame(msgspec.Struct):
    type: str
    cursor: str = ""
    items: list[msgspec.Raw] = []


def run(stack: Stack, seconds: float) -> dict[str, Any]:  # noqa: ARG001
    """Seconds from the subscribe with the old cursor to ``caught_up``."""
    cursor, _, _ = _follow(stack, b'{"type":"subscribe","id":"live"}')
    say(f"{EVENTS} events while nobody looks …")
    agents = join(stack.url, stack.admin_key, AGENTS, prefix="absent")
    crowd = Crowd(agents)
    while sum(agent.sent for agent in agents) < EVENTS:
        for agent in agents:
            if crowd.push(agent) and agent.sent - agent.stored < 400:
                crowd.send(agent, 100, 20)
        crowd.listen(0.001)
    sent = sum(agent.sent for agent in agents)
    wait_until(crowd, lambda: crowd.stored == sent, 60)
    leave(agents)
    _, events, elapsed = _follow(
        stack, b'{"type":"subscribe","id":"live","cursor":"%s"}' % cursor.encode()
    )
    say(f"{events} events in {elapsed:.2f} s")
    return {"seconds": round(elapsed, 2), "events": events, "missed": sent - events}


def _follow(stack: Stack, subscribe: bytes) -> tuple[str, int, float]:
    decode = msgspec.json.Decoder(_Frame).decode
    sock = connect(stack.url, "/ws/dashboard", stack.admin_key)
    incoming = Incoming()
    started = time.perf_counter()
    sock.sendall(frame(subscribe))
    events = 0
    while True:
        for payload in incoming.feed(sock.recv(1_048_576)):
            message = decode(payload)
            if message.type == "events":
                events += len(message.items)
            elif message.type == "caught_up":
                sock.close()
                return message.cursor, events, time.perf_counter() - started
