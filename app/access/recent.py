"""Answers that hold for a moment, and for a while longer when nobody can be asked."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from app.access.asking import OUT_OF_REACH, ask_in_time

Value = TypeVar("Value")

ASK_AGAIN_S: Final = 1.0
"""Once nobody answered, who was known goes in without asking for so long."""


class _Answer(NamedTuple, Generic[Value]):
    value: Value
    at: float


class Recent(Generic[Value]):
    """What was found out lately, by name; at most ``entries``, those asked longest ago go first.

    An answer holds for ``fresh_s``. When the next cannot be had, a good one (it is true) holds on
    until it is ``grace_s`` old.
    """

    def __init__(
        self,
        *,
        fresh_s: float,
        grace_s: float,
        entries: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh_s = fresh_s
        self._grace_s = grace_s
        self._entries = entries
        self._clock = clock
        self._known: OrderedDict[str, _Answer[Value]] = OrderedDict()
        self._away_until = float("-inf")

    def get(self, name: str, ask: Callable[[], Value]) -> Value:
        """The answer for ``name``, from ``ask`` if what is known is too old.

        Raises:
            SQLAlchemyError, RedisError, NoAnswer: nobody can be asked, and nothing good is known.
        """
        now = self._clock()
        known = self._known.get(name)
        good = known is not None and bool(known.value) and now - known.at < self._grace_s
        if known is not None and (
            now - known.at < self._fresh_s or (good and now < self._away_until)
        ):
            return known.value
        try:
            value = ask_in_time(ask)
        except OUT_OF_REACH:
            self._away_until = self._clock() + ASK_AGAIN_S
            if known is not None and good:
                return known.value
            raise
        self._known[name] = _Answer(value, now)
        self._known.move_to_end(name)
        while len(self._known) > self._entries:
            self._known.popitem(last=False)
        return value
