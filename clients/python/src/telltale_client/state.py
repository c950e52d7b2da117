"""What the emitting threads and the sender thread share, and the lock over it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from telltale_client import frames
from telltale_client.errors import AgentFailed
from telltale_client.outbox import Outbox

MOST_ANSWERS = 1024


class Connection(StrEnum):
    """Where the agent stands with its server."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who says hello. ``incarnation`` is a start time in milliseconds unless given."""

    agent_id: str
    role: str
    incarnation: int
    name: str | None = None
    meta: Mapping[str, Any] | None = None

    def hello(self) -> bytes:
        """The first frame of every connection."""
        return frames.hello(self.agent_id, self.role, self.incarnation, self.name, self.meta)

    def renewed(self) -> Identity:
        """The same agent in a later incarnation."""
        now = time.time_ns() // 1_000_000
        return replace(self, incarnation=max(now, self.incarnation + 1))


@dataclass(slots=True, eq=False)
class State:
    """Guarded by ``changed``, which is notified when room appears or the connection changes.

    ``control`` holds answers to commands that go out with the next turn of the sender.
    ``sleeping`` says that the sender waits and must be woken for a new event. ``abandoned`` marks
    what a forked child has inherited and must not touch.
    """

    identity: Identity
    outbox: Outbox
    # Reentrant, so that a signal handler that logs cannot lock its own thread out.
    changed: threading.Condition = field(
        default_factory=lambda: threading.Condition(threading.RLock())
    )
    control: deque[bytes] = field(default_factory=lambda: deque(maxlen=MOST_ANSWERS))
    connection: Connection = Connection.CONNECTING
    failure: AgentFailed | None = None
    last_error: str = ""
    sleeping: bool = False
    stopping: bool = False
    abandoned: bool = False
    emitted: int = 0
    rejected: int = 0
    connects: int = 0
