"""A bound on the work for one module, in milliseconds of this thread's CPU time."""

from __future__ import annotations

import time


class TimeBoxExceeded(Exception):
    """The module is too much for its time box."""


class TimeBox:
    """Counts only what happens inside `with`: pauses and a busy machine are free."""

    def __init__(self, limit_ms: float) -> None:
        self.limit_ms = limit_ms
        self.spent_ms = 0.0
        self._since: float | None = None

    def __enter__(self) -> TimeBox:
        self._since = time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._count()
        self._since = None

    def check(self) -> None:
        """Call now and then while working.

        Raises:
            TimeBoxExceeded: if the time is used up.
        """
        self._count()
        if self.spent_ms > self.limit_ms:
            raise TimeBoxExceeded(
                f"{self.spent_ms:.0f} ms of CPU time were used, {self.limit_ms:.0f} ms allowed"
            )

    def _count(self) -> None:
        if self._since is not None:
            now = time.thread_time()
            self.spent_ms += (now - self._since) * 1000
            self._since = now
