"""Simulated agents: many sockets in one process, each with a window of unstored events."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from app.core.identifiers import uuid7
from bench.wire import Incoming, connect, frame

PING_EVERY_S = 15.0
_PING = frame(b'{"type":"ping"}')
_HEARD = (b'{"type":"pong"', b'{"type":"config"')


class _Ack(msgspec.Struct, tag="ack"):
    logged: int
    stored: int


_decode = msgspec.json.Decoder(_Ack).decode


@dataclass(eq=False, slots=True)
class SimulatedAgent:
    """One agent's socket and its counters."""

    name: str
    sock: socket.socket
    name_bytes: bytes
    id_prefix: bytes
    """The beginning of a UUIDv7; the number of the event fills the rest."""
    incoming: Incoming = field(default_factory=Incoming)
    sent: int = 0
    stored: int = 0
    unsent: bytes = b""


def event(agent: SimulatedAgent, seq: int, now_ns: int) -> bytes:
    """A tool call, 250 bytes as agents write them."""
    return (
        b'{"id":"%s","type":"tool.called","agent_id":"%s","time":"%s","task_id":"task-%d",'
        b'"severity":"info","data":{"tool":"search","query":"how does a partition log work",'
        b'"n":%d,"sent_ns":%d}}'
        % (
            b"%s%012x" % (agent.id_prefix, seq),
            agent.name_bytes,
            rfc3339(now_ns),
            seq % 50,
            seq,
            now_ns,
        )
    )


def join(url: str, key: str, count: int, prefix: str = "agent") -> list[SimulatedAgent]:
    """Connect agents and say hello."""
    incarnation = time.time_ns() // 1_000_000
    agents = []
    for number in range(count):
        name = f"{prefix}-{number}"
        agent = SimulatedAgent(
            name, connect(url, "/ws/agent", key), name.encode(), str(uuid7())[:24].encode()
        )
        agent.sock.sendall(
            frame(
                b'{"type":"hello","agent_id":"%s","role":"worker","incarnation":%d}'
                % (name.encode(), incarnation)
            )
        )
        agents.append(agent)
    for agent in agents:
        welcome = next(iter(agent.incoming.feed(agent.sock.recv(65536))))
        if b'"welcome"' not in welcome:
            raise ConnectionError(f"No welcome: {welcome!r}")
        agent.sock.setblocking(False)
    return agents


def leave(agents: list[SimulatedAgent]) -> None:
    """Close the sockets."""
    for agent in agents:
        agent.sock.close()


Make = Callable[[SimulatedAgent, int, int], bytes]
"""Makes the event with this number, at this time in nanoseconds."""


class Crowd:
    """Moves many agents' sockets from one loop."""

    def __init__(self, agents: list[SimulatedAgent]) -> None:
        self.agents: list[SimulatedAgent] = []
        self._pinged_at = time.monotonic()
        self._next_ping = 0
        self._selector = selectors.DefaultSelector()
        self.add(agents)

    def add(self, agents: list[SimulatedAgent]) -> None:
        """Move these too."""
        self.agents += agents
        for agent in agents:
            self._selector.register(agent.sock, selectors.EVENT_READ, agent)

    @property
    def stored(self) -> int:
        """How many events all agents know to be stored."""
        return sum(agent.stored for agent in self.agents)

    def listen(self, timeout_s: float) -> None:
        """Read whatever acks have come; ping now and then, as agents must."""
        self._ping()
        for selected, _ in self._selector.select(timeout_s):
            agent: SimulatedAgent = selected.data
            data = agent.sock.recv(262_144)
            if not data:
                raise ConnectionError(f"{agent.name} was hung up on.")
            for payload in agent.incoming.feed(data):
                if payload.startswith(_HEARD):
                    continue
                if not payload.startswith(b'{"type":"ack"'):
                    raise ConnectionError(f"{agent.name} was refused: {payload!r}")
                agent.stored = _decode(payload).stored

    def _ping(self) -> None:
        """Ping those whose turn it is: each comes round in its time, and never all at once."""
        now = time.monotonic()
        due = int((now - self._pinged_at) / PING_EVERY_S * len(self.agents))
        if due:
            self._pinged_at = now
            for _ in range(min(due, len(self.agents))):
                self._write(self.agents[self._next_ping % len(self.agents)], _PING)
                self._next_ping += 1

    def send(self, agent: SimulatedAgent, events: int, per_frame: int, make: Make = event) -> None:
        """Send events now, as frames of ``per_frame``."""
        parts = []
        for start in range(agent.sent + 1, agent.sent + 1 + events, per_frame):
            count = min(per_frame, agent.sent + events + 1 - start)
            now_ns = time.time_ns()
            items = b",".join(make(agent, seq, now_ns) for seq in range(start, start + count))
            parts.append(frame(b'{"type":"events","seq":%d,"items":[%s]}' % (start, items)))
        agent.sent += events
        self._write(agent, b"".join(parts))

    def push(self, agent: SimulatedAgent) -> bool:
        """Try to send what the kernel had no room for; True if nothing waits any more."""
        if agent.unsent:
            self._write(agent, b"")
        return not agent.unsent

    def _write(self, agent: SimulatedAgent, data: bytes) -> None:
        data = agent.unsent + data
        try:
            sent = agent.sock.send(data)
        except BlockingIOError:
            sent = 0
        agent.unsent = data[sent:]


def wait_until(crowd: Crowd, reached: Callable[[], bool], timeout_s: float) -> bool:
    """Listen until something is reached; False if the time ran out."""
    deadline = time.monotonic() + timeout_s
    while not reached():
        if time.monotonic() > deadline:
            return False
        crowd.listen(0.05)
    return True


_second = [0, b""]


def rfc3339(now_ns: int) -> bytes:
    """A time in nanoseconds, as events have it."""
    seconds, rest = divmod(now_ns, 1_000_000_000)
    if _second[0] != seconds:
        _second[0] = seconds
        _second[1] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()
    return b"%s.%06dZ" % (_second[1], rest // 1000)
