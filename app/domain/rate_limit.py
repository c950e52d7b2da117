"""How fast one agent may send: a token bucket's rate and size, and who may set them."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

LEAST_EVENTS_PER_S: Final = 0.1
MOST_EVENTS_PER_S: Final = 1_000_000.0
MOST_BURST: Final = 10_000_000


class RateLimit(NamedTuple):
    """What is refilled each second, and how many events the bucket holds."""

    events_per_s: float
    burst: int


class OwnLimit(NamedTuple):
    """What a project or an agent has of its own; None leaves it to whoever stands above."""

    events_per_s: float | None
    burst: int | None


NOTHING_OF_ITS_OWN: Final = OwnLimit(None, None)


def effective(default: RateLimit, *own: OwnLimit) -> RateLimit:
    """The limit that holds: each of ``own`` goes before those that stand before it.

    A bucket holds at least what comes in ten milliseconds, or the rate could never be reached.
    """
    events_per_s, burst = default
    for limit in own:
        if limit.events_per_s is not None:
            events_per_s = limit.events_per_s
        if limit.burst is not None:
            burst = limit.burst
    return RateLimit(events_per_s, max(burst, math.ceil(events_per_s / 100)))
