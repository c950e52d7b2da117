"""The micro-batch: what came in from all connections goes to the log in one call.

While one append is on its way, what comes in gathers for the next one: more load makes bigger
batches, and there is nothing to tune.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import gevent
from dramatiq.brokers.redis import RedisBroker
from gevent.event import AsyncResult
from gevent.event import Event as Signal

from app.core import metrics
from app.core.logging import get_logger
from app.domain.partition import partition_of
from app.eventlog.log import NOWHERE, EventLog, LogUnavailable, Mark, Outcome, Run, Verdict
from app.gateway.rate_limits import RateLimits
from app.jobs.ring import ring

GATHER_S: Final = 0.001
"""How long the first event waits for company."""

MAX_RUNS: Final = 400
"""Runs of one partition in one append: Lua unpacks them onto a stack of 8,000."""

MAX_APPEND_BYTES: Final = 1024 * 1024
MAX_WAITING_RUNS: Final = 20_000
"""Runs that wait for the log; an agent has one or two. Beyond, the log counts as full."""

FULL_RETRY_MS: Final = 1000
MAX_WAIT_S: Final = 30.0
"""Longer than an append can take; a wait without an end would hide that the intake has ended."""

MAX_WAITING_EVENTS: Final = 2000
"""Events that wait for the next append; beyond, no socket is read until they are on their way.

Small on purpose: a greenlet that reads keeps the answer of the append under way from being seen.
"""

log = get_logger(__name__)

Answer = Callable[[Outcome | None, Mark], None]
"""Called with the outcome and the point behind the run; with None if the log was out of reach."""


class _Waiting(NamedTuple):
    run: Run
    answer: Answer


class Intake:
    """Gathers runs and appends them. One instance a process."""

    def __init__(self, eventlog: EventLog, broker: RedisBroker, limits: RateLimits) -> None:
        self._log = eventlog
        self._broker = broker
        self._limits = limits
        self._waiting: dict[int, deque[_Waiting]] = {}
        self._count = 0
        self._events = 0
        self._something = Signal()
        self._room = Signal()
        self._room.set()
        self._greenlet: gevent.Greenlet[..., Any] | None = None

    def start(self) -> None:
        """Begin to append."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._flush_for_ever)

    def added(self, events: int) -> None:
        """Events were put into runs that are not sealed yet."""
        self._events += events
        if self._events > MAX_WAITING_EVENTS:
            self._room.clear()

    def wait_for_room(self) -> None:
        """Wait until the next append may be added to: the back-pressure for whoever reads."""
        if not self._room.is_set():
            self._room.wait(MAX_WAIT_S)

    def submit(self, run: Run, answer: Answer) -> bool:
        """Append a run with the next batch; ``answer`` must not wait. False if no more may wait.

        Until the run is sealed, its owner may add to it.
        """
        if self._count >= MAX_WAITING_RUNS:
            return False
        partition = partition_of(run.key, self._log.partitions)
        self._waiting.setdefault(partition, deque()).append(_Waiting(run, answer))
        self._count += 1
        if not self._something.is_set():
            self._something.set()
        return True

    def append(self, run: Run) -> tuple[Outcome, Mark]:
        """Append a run and wait for its outcome and the point behind it.

        Raises:
            LogUnavailable: the log is out of reach.
        """
        self.wait_for_room()
        result: AsyncResult[tuple[Outcome | None, Mark]] = AsyncResult()
        if not self.submit(run, lambda outcome, mark: result.set((outcome, mark))):
            return Outcome(Verdict.FULL, retry_after_ms=FULL_RETRY_MS), NOWHERE
        self.added(len(run.records))
        outcome, mark = result.get()  # type: ignore[misc]
        if outcome is None:
            raise LogUnavailable("The log is out of reach.")
        return outcome, mark

    def _flush_for_ever(self) -> None:
        while True:
            self._something.wait()
            gevent.sleep(GATHER_S)
            self._something.clear()
            batch = self._take()
            if self._count:
                self._something.set()
            self._flush(batch)

    def _take(self) -> dict[int, list[_Waiting]]:
        batch: dict[int, list[_Waiting]] = {}
        for partition, queue in self._waiting.items():
            taken: list[_Waiting] = []
            size = 0
            while queue and len(taken) < MAX_RUNS and size < MAX_APPEND_BYTES:
                waiting = queue.popleft()
                run = waiting.run
                run.sealed = True
                run.rate, run.burst = self._limits.of(run.key)
                size += sum(map(len, run.records))
                taken.append(waiting)
            if taken:
                batch[partition] = taken
                self._count -= len(taken)
                self._events -= sum(len(w.run.records) for w in taken)
        if self._events <= MAX_WAITING_EVENTS:
            self._room.set()
        return batch

    def _flush(self, batch: dict[int, list[_Waiting]]) -> None:
        started = time.perf_counter()
        try:
            answers = self._log.append(
                {partition: [w.run for w in waiting] for partition, waiting in batch.items()}
            )
        except Exception as error:
            if isinstance(error, LogUnavailable):
                log.warning("append_failed", partitions=sorted(batch), error=str(error))
            else:
                log.exception("append_failed", partitions=sorted(batch))
            for waiting in batch.values():
                for _, answer in waiting:
                    answer(None, NOWHERE)
            return
        metrics.append_seconds.observe(time.perf_counter() - started)
        metrics.append_batch.observe(
            sum(len(w.run.records) for waiting in batch.values() for w in waiting)
        )
        for partition, waiting in batch.items():
            appended = answers[partition]
            for (_, answer), outcome in zip(waiting, appended.outcomes, strict=True):
                answer(outcome, appended.mark)
            if appended.ring:
                gevent.spawn(ring, self._broker, partition, "append")
