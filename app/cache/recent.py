"""Answers that hold for a moment, and for a while longer when nobody can be asked."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, Generic, NamedTuple, TypeVar

from app.core import metrics
from app.core.asking import OUT_OF_REACH, ask_in_time

Value = TypeVar("Value")

FRESH_S: Final = 5.0
"""No answer is older than that while its source can be asked, whatever else fails."""

RENEW: Final = 0.8
"""The part of its time after which an answer is asked for anew."""

ASK_AGAIN_S: Final = 1.0
"""Once nobody answered, who was known goes in without asking for so long."""


class Found(NamedTuple, Generic[Value]):
    """An answer, and for how long it had been known already where it was found."""

    value: Value
    age_s: float = 0.0


class _Known(NamedTuple, Generic[Value]):
    value: Value
    at: float


class Recent(Generic[Value]):
    """What was found out lately, by name: an LRU of at most ``entries``. ``cache`` names it in the
    metrics.

    An answer holds for ``fresh_s``. When the next cannot be had, a good one (it is true) holds on
    until it is ``grace_s`` old. What is not ``worth`` it is not kept.
    """

    def __init__(
        self,
        cache: str,
        *,
        entries: int,
        fresh_s: float = FRESH_S,
        grace_s: float = 0.0,
        worth: Callable[[Value], bool] = lambda _: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fresh_s = fresh_s
        self._grace_s = grace_s
        self._entries = entries
        self._worth = worth
        self._clock = clock
        self._known: OrderedDict[str, _Known[Value]] = OrderedDict()
        self._away_until = float("-inf")
        self._forgotten = 0
        self._doubted_at = float("-inf")
        self._asking: set[str] = set()
        self._hits = metrics.cache_lookups.labels(cache, "process")

    def get(self, name: str, ask: Callable[[], Found[Value]]) -> Value:
        """The answer for ``name``, from ``ask`` if what is known is too old.

        Raises:
            SQLAlchemyError, RedisError, NoAnswer: nobody can be asked, and nothing good is known.
        """
        now = self._clock()
        known = self._known.get(name)
        if known is None:
            return self._ask(name, ask, now)
        age_s = now - known.at
        good = bool(known.value) and age_s < self._grace_s
        fresh = age_s < self._fresh_s and known.at > self._doubted_at
        # Soon it is too old: one asks, and the others need not wait, nor ask all at once.
        young = fresh and (age_s < RENEW * self._fresh_s or name in self._asking)
        if young or (good and now < self._away_until):
            self._known.move_to_end(name)
            self._hits.inc()
            return known.value
        try:
            return self._ask(name, ask, now)
        except OUT_OF_REACH:
            if (fresh or good) and name in self._known:
                return known.value
            raise

    def forget(self, names: Iterable[str]) -> None:
        """What is known of these has changed."""
        self._forgotten += 1
        for name in names:
            self._known.pop(name, None)

    def doubt(self) -> None:
        """Anything may have changed: ask for each anew. What is good keeps its grace."""
        self._forgotten += 1
        self._doubted_at = self._clock()

    def _ask(self, name: str, ask: Callable[[], Found[Value]], now: float) -> Value:
        forgotten = self._forgotten
        self._asking.add(name)
        try:
            value, age_s = ask_in_time(ask)
        except OUT_OF_REACH:
            self._away_until = self._clock() + ASK_AGAIN_S
            raise
        finally:
            self._asking.discard(name)
        # What was forgotten meanwhile may be what the answer was made of.
        if forgotten == self._forgotten and self._worth(value):
            self._keep(name, _Known(value, now - age_s))
        return value

    def _keep(self, name: str, known: _Known[Value]) -> None:
        self._known[name] = known
        self._known.move_to_end(name)
        while len(self._known) > self._entries:
            self._known.popitem(last=False)
