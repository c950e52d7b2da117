"""A history to look back on: agents that work through tasks, told over their sockets."""

from __future__ import annotations

import json
import time
from typing import Self

from bench.fleet import Crowd, SimulatedAgent, event, join, leave, rfc3339, wait_until
from bench.report import say
from bench.requests import keep_asking, request
from launcher.stack import Stack

AGENTS = 100
PREFIX = "past"
EVENTS_A_TASK = 25
WINDOW = 1600
BURST = 40
PER_FRAME = 20
STORED_S = 60.0
CHANGES_S = 3.0

_STEPS = {
    1: (b"task.started", b"{}"),
    2: (b"agent.status", b'{"status":"busy","note":"reads page %d"}'),
    8: (b"task.progress", b'{"progress":0.3,"note":"page %d"}'),
    12: (b"agent.metric", b'{"cpu_pct":%d.5,"memory_bytes":123456789}'),
    16: (b"task.progress", b'{"progress":0.7}'),
    0: (b"task.completed", b'{"result":{"pages":[1,2,3],"summary":"what was found"}}'),
    23: (b"agent.status", b'{"status":"idle"}'),
}
"""What happens at which of the events of a task; the others are tool calls."""


class Filling:
    """The agents, connected until the block ends."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._agents = join(stack.url, stack.admin_key, AGENTS, prefix=PREFIX)
        self._crowd = Crowd(self._agents)
        self.names = [agent.name for agent in self._agents]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        leave(self._agents)

    def upto(self, events: int) -> None:
        """Go on until all have made so many, and all of them are stored.

        Raises:
            TimeoutError: they were not in time.
        """
        agents, crowd, before = self._agents, self._crowd, self._sent
        started = time.perf_counter()
        while self._sent < events:
            for agent in agents:
                if crowd.push(agent) and agent.sent - agent.stored + BURST <= WINDOW:
                    crowd.send(agent, BURST, PER_FRAME, _event)
            crowd.listen(0.001)
        if not wait_until(crowd, lambda: crowd.stored == self._sent, STORED_S):
            raise TimeoutError(f"{crowd.stored} of {self._sent} events were stored.")
        made, elapsed = self._sent - before, time.perf_counter() - started
        say(f"{made:,} events stored in {elapsed:.1f} s: {made / elapsed:,.0f}/s")

    def change(self) -> None:
        """Make a configuration for each agent, and tasks for some seconds, as a manager does."""
        answered = keep_asking(self._stack.url, 8, CHANGES_S, self._make)
        say(f"{len(answered.latencies_ms)} changes over REST: {answered.statuses}")

    @property
    def _sent(self) -> int:
        return sum(agent.sent for agent in self._agents)

    def _make(self, number: int) -> bytes:
        stack, name = self._stack, self.names[number % AGENTS]
        if number >= AGENTS:
            body = json.dumps({"title": f"read page {number}", "agent_id": name}).encode()
            return request(stack.url, stack.admin_key, "POST", "/v1/tasks", body)
        body, path = (
            json.dumps({"model": "small", "n": number}).encode(),
            f"/v1/agents/{name}/config",
        )
        return request(stack.url, stack.admin_key, "PUT", path, body, "If-None-Match: *")


def task_of(name: str, number: int) -> str:
    """The id of an agent's task."""
    return f"{name}-task-{number}"


def _event(agent: SimulatedAgent, seq: int, now_ns: int) -> bytes:
    step = _STEPS.get(seq % EVENTS_A_TASK)
    if step is None:
        return event(agent, seq, now_ns)
    kind, data = step
    if b"%d" in data:
        data %= seq % 100
    number = (seq - 1) // EVENTS_A_TASK
    return (
        b'{"id":"%s","type":"%s","agent_id":"%s","time":"%s","task_id":"%s","severity":"info",'
        b'"data":%s}'
        % (
            b"%s%012x" % (agent.id_prefix, seq),
            kind,
            agent.name_bytes,
            rfc3339(now_ns),
            task_of(agent.name, number).encode(),
            data,
        )
    )
