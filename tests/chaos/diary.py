"""What an agent made, in order, and what it was told became of it: the evidence."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from app.core.identifiers import uuid7

TYPES = ("tool.called", "tool.returned", "agent.heartbeat", "model.answered", "chaos.step")
SEVERITIES = ("debug", "info", "info", "info", "warning", "error")
BAD_TYPE = "No such type!"
BAD_SHARE = 0.01


@dataclass(slots=True, eq=False)
class Made:
    """One event. ``at`` and ``stored_at`` are monotonic times; ``number`` counts from 1.

    An event that is ``bad`` must be refused, and everything around it kept.
    """

    id: str
    number: int
    at: float
    body: bytes
    bad: bool
    stored_at: float | None = None


class Diary:
    """The events of one agent. Written by one thread, read by others."""

    def __init__(self, agent_id: str, random: Random) -> None:
        self.agent_id = agent_id
        self.made: list[Made] = []
        self.latest_stored = 0.0
        """When the youngest of the events that are known to be stored was made."""
        self._random = random
        self._lock = threading.Lock()

    def make(self) -> Made:
        """The agent does something."""
        number = len(self.made) + 1
        bad = self._random.random() < BAD_SHARE
        event_id, at = str(uuid7()), time.monotonic()
        body = {
            "id": event_id,
            "type": BAD_TYPE if bad else self._random.choice(TYPES),
            "agent_id": self.agent_id,
            "time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "task_id": f"task-{number // 50}",
            "severity": self._random.choice(SEVERITIES),
            "data": {"n": number, "at": at, "text": "x" * self._random.randrange(400)},
        }
        made = Made(event_id, number, at, json.dumps(body).encode(), bad)
        with self._lock:
            self.made.append(made)
        return made

    def stored(self, made: Made) -> None:
        """The server says that this one is stored, or, if it is bad, behind it."""
        if made.stored_at is None:
            made.stored_at = time.monotonic()
            self.latest_stored = max(self.latest_stored, made.at)

    def snapshot(self) -> list[Made]:
        """Everything made up to now."""
        with self._lock:
            return list(self.made)


class Complaints:
    """What went against the protocol or a promise, from all threads, each with its moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[str] = []

    def add(self, who: str, what: str) -> None:
        """Write it down."""
        with self._lock:
            self._all.append(f"{datetime.now(UTC):%H:%M:%S.%f} {who}: {what}")

    def all(self) -> list[str]:
        """Every complaint so far."""
        with self._lock:
            return list(self._all)
