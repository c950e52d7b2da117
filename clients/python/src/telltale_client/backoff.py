"""How long to wait before the next attempt to connect: full jitter, from 1 to 30 seconds."""

from __future__ import annotations

import random
from collections.abc import Callable

LONGEST_FLOOR_S = 300.0


class Backoff:
    """Delays drawn evenly from 0 to a ceiling that doubles with each attempt.

    Full jitter spreads a fleet that lost its server at the same moment over the whole interval.
    """

    def __init__(
        self,
        first_s: float = 1.0,
        longest_s: float = 30.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._draw = draw
        self._attempt = 0

    def next_delay(self, floor_s: float = 0.0) -> float:
        """Seconds to wait now. ``floor_s`` is what the server asked for; jitter comes on top."""
        # Beyond 2**16 the ceiling has long been reached; the bound keeps the number small.
        ceiling = min(self._longest_s, self._first_s * 2.0 ** min(self._attempt, 16))
        self._attempt += 1
        return min(max(floor_s, 0.0), LONGEST_FLOOR_S) + self._draw() * ceiling

    def reset(self) -> None:
        """Begin again with the shortest ceiling: the last connection was a good one."""
        self._attempt = 0
