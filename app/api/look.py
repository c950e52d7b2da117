"""A look at a part that may never answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import gevent

ANSWER_S: Final = 2.0

T = TypeVar("T")


class Look(Generic[T]):
    """Something to be found out, given up on after two seconds and never done twice at once, so
    that a part that hangs cannot take all connections to it.
    """

    def __init__(self, look: Callable[[], T | None]) -> None:
        self._look = look
        self._under_way: gevent.Greenlet[..., T | None] | None = None

    def value(self) -> T | None:
        """What was found; None if it was not found in time."""
        if self._under_way is None or self._under_way.ready():
            self._under_way = gevent.spawn(self._look)
        try:
            return self._under_way.get(timeout=ANSWER_S)
        except gevent.Timeout:
            return None
