"""The one way to wait here: for a condition, for a bounded time, while anybody still wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from launcher.errors import PartFailed, Stopped

PAUSE_S = 0.03


def wait_until(
    condition: Callable[[], bool],
    *,
    timeout_s: float,
    what: Callable[[], str],
    abort: threading.Event | None = None,
) -> None:
    """Return as soon as ``condition()`` holds; it is asked about thirty times a second.

    Raises:
        PartFailed: it did not hold in time; the message is ``what()``.
        Stopped: ``abort`` was set meanwhile.
    """
    deadline = time.monotonic() + timeout_s
    abort = abort or threading.Event()
    while not condition():
        if time.monotonic() >= deadline:
            raise PartFailed(what())
        if abort.wait(PAUSE_S):
            raise Stopped("Stopped while starting.")
