"""How many connections this process takes: sockets, streams and long polls, counted together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from app.core import metrics
from app.core.errors import TooManySockets

COME_BACK_S: Final = 5.0


class Kind(StrEnum):
    """What holds a place."""

    AGENT = "agent"
    VIEWER = "viewer"
    STREAM = "stream"
    POLL = "poll"


class Places:
    """The places of one process: ``most`` in all, ``most_viewers`` of them for those who look on
    by socket, stream or long poll.
    """

    def __init__(self, *, most: int, most_viewers: int) -> None:
        self._most = most
        self._most_viewers = most_viewers
        self._taken: Counter[Kind] = Counter()

    def check(self, kind: Kind) -> None:
        """See that there is a place.

        Raises:
            TooManySockets: there is none.
        """
        everybody = self._taken.total()
        viewers = everybody - self._taken[Kind.AGENT]
        if everybody >= self._most or (kind is not Kind.AGENT and viewers >= self._most_viewers):
            raise TooManySockets(retry_after_s=COME_BACK_S)

    @contextmanager
    def taken(self, kind: Kind) -> Iterator[None]:
        """Hold a place as long as the block lasts."""
        self._taken[kind] += 1
        metrics.connections.labels(kind.value).inc()
        try:
            yield
        finally:
            self._taken[kind] -= 1
            metrics.connections.labels(kind.value).dec()
