"""What a viewer's queue drops when it is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Queued:
    """A frame that waits for a viewer: ``events`` in it, and whose subscription it belongs to."""

    frame: bytes
    events: int
    subscription: str

    @property
    def droppable(self) -> bool:
        """Only frames of events may be dropped; what says how things stand may not."""
        return self.events > 0


Policy = Callable[[deque[Queued], Random], int]


def _head(queue: deque[Queued], _: Random) -> int:
    return next((i for i, queued in enumerate(queue) if queued.droppable), -1)


def _tail(queue: deque[Queued], _: Random) -> int:
    return next((i for i in range(len(queue) - 1, -1, -1) if queue[i].droppable), -1)


def _random(queue: deque[Queued], random: Random) -> int:
    droppable = [i for i, queued in enumerate(queue) if queued.droppable]
    return random.choice(droppable) if droppable else -1


POLICIES: dict[str, Policy] = {"head": _head, "tail": _tail, "random": _random}
"""``head`` drops the oldest that waits, ``tail`` the newest, ``random`` any."""


class BoundedQueue:
    """Frames for one viewer, bounded by events and bytes."""

    def __init__(self, *, max_events: int, max_bytes: int, policy: str, random: Random) -> None:
        self.policy = policy
        self._choose = POLICIES[policy]
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._random = random
        self._queue: deque[Queued] = deque()
        self.events = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, queued: Queued) -> list[Queued]:
        """Add a frame; returns those that had to go for it, perhaps itself."""
        self._queue.append(queued)
        self.events += queued.events
        self.bytes += len(queued.frame)
        dropped: list[Queued] = []
        while self.events > self._max_events or self.bytes > self._max_bytes:
            index = self._choose(self._queue, self._random)
            if index < 0:
                break
            gone = self._queue[index]
            del self._queue[index]
            self.events -= gone.events
            self.bytes -= len(gone.frame)
            dropped.append(gone)
        return dropped

    def get(self) -> Queued:
        """The frame that has waited longest.

        Raises:
            IndexError: the queue is empty.
        """
        queued = self._queue.popleft()
        self.events -= queued.events
        self.bytes -= len(queued.frame)
        return queued
