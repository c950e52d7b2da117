"""What a viewer's queue drops when it is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import ClassVar, Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Queued:
    """A frame that waits for a viewer: ``events`` in it, whose subscription it belongs to, and the
    cursor that the viewer has after it.
    """

    frame: bytes
    events: int
    subscription: str
    cursor: str = ""

    @property
    def droppable(self) -> bool:
        """Only frames of events may be dropped; what says how things stand may not."""
        return self.events > 0


@dataclass(slots=True)
class Gap:
    """Stands where events were dropped, so that the viewer hears of it before what lies behind."""

    subscription: str
    dropped: int

    events: ClassVar[int] = 0
    frame: ClassVar[bytes] = b""
    droppable: ClassVar[bool] = False


class NewestPerAgent(Generic[Item]):
    """Only the newest event of each agent waits: what a slow viewer in ``latest`` mode will see."""

    def __init__(self) -> None:
        self._items: dict[str, tuple[Item, int]] = {}
        self.bytes = 0
        self.dropped = 0
        """Agents of which nothing is left to show, since ``take`` was called last."""

    def __len__(self) -> int:
        return len(self._items)

    def put(self, agent_id: str, item: Item, size: int) -> None:
        """An agent's newest event, of ``size`` bytes, in the place of its last one."""
        _, gone = self._items.pop(agent_id, (None, 0))
        self._items[agent_id] = (item, size)
        self.bytes += size - gone

    def drop_oldest(self) -> None:
        """Let go of the agent from which nothing came for the longest time."""
        _, size = self._items.pop(next(iter(self._items)))
        self.bytes -= size
        self.dropped += 1

    def take(self) -> tuple[list[Item], int]:
        """What waits, in the order in which it came, and how many agents are missing."""
        items, dropped = [item for item, _ in self._items.values()], self.dropped
        self._items.clear()
        self.bytes = self.dropped = 0
        return items, dropped


Waiting = Queued | Gap
Policy = Callable[[deque[Waiting], Random], int]


def _head(queue: deque[Waiting], _: Random) -> int:
    return next((i for i, queued in enumerate(queue) if queued.droppable), -1)


def _tail(queue: deque[Waiting], _: Random) -> int:
    return next((i for i in range(len(queue) - 1, -1, -1) if queue[i].droppable), -1)


def _random(queue: deque[Waiting], random: Random) -> int:
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
        self.waiting: deque[Waiting] = deque()
        self._gaps: dict[str, Gap] = {}
        self.events = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self.waiting)

    def put(self, queued: Queued) -> list[Queued]:
        """Add a frame; returns those that had to go for it, perhaps itself."""
        self.waiting.append(queued)
        self.events += queued.events
        self.bytes += len(queued.frame)
        dropped: list[Queued] = []
        while self.events > self._max_events or self.bytes > self._max_bytes:
            index = self._choose(self.waiting, self._random)
            if index < 0:
                break
            dropped.append(self._drop(index))
        return dropped

    def _drop(self, index: int) -> Queued:
        gone = self.waiting[index]
        assert isinstance(gone, Queued)
        self.events -= gone.events
        self.bytes -= len(gone.frame)
        known = self._gaps.get(gone.subscription)
        if known is not None and any(known is waiting for waiting in islice(self.waiting, index)):
            # It stands before this already: whoever hears of it refills from there.
            known.dropped += gone.events
            del self.waiting[index]
        else:
            count = gone.events
            if known is not None:
                self.waiting.remove(known)
                count += known.dropped
            self.waiting[index] = self._gaps[gone.subscription] = Gap(gone.subscription, count)
        return gone

    def forget(self, subscription: str) -> None:
        """Let go of everything that waits for a subscription which has ended."""
        kept = [waiting for waiting in self.waiting if waiting.subscription != subscription]
        self.waiting = deque(kept)
        self._gaps.pop(subscription, None)
        self.events = sum(waiting.events for waiting in kept)
        self.bytes = sum(len(waiting.frame) for waiting in kept)

    def get(self) -> Waiting:
        """What has waited longest.

        Raises:
            IndexError: the queue is empty.
        """
        first = self.waiting.popleft()
        if isinstance(first, Gap):
            del self._gaps[first.subscription]
        else:
            self.events -= first.events
            self.bytes -= len(first.frame)
        return first
