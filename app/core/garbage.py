"""The garbage collector, set for processes that make many short-lived objects and few cycles."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 50_000


def collect_rarely() -> None:
    """Leave what is there at the end of the start alone, and look at new objects less often.

    A batch of events is tens of thousands of objects that die by reference count; by default each
    700 of them start a collection.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
