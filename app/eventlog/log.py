"""The partition log: the contract between those who take events in and the drain.

A log has a fixed number of partitions. Each is an ordered, bounded sequence of *chunks*; a chunk is
what one gateway appended at once, and holds *runs*: each some consecutive events of one agent.

What a caller may rely on:

* ``append`` is atomic per partition: an outcome of ``Taken`` means that the run is in the log, in
  order, once. Anything else means that nothing of it is.
* A log that is full refuses; it never drops.
* ``read`` returns chunks in the order of their positions, and never one twice after a position.
* ``generation`` names the life of the log. A log that came back empty has another one, and its
  counters start again.
* ``logged`` counts the events ever appended in this life; each chunk says the count before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

START = "0-0"
"""The position before the first chunk."""


class Verdict(IntEnum):
    """What became of a run."""

    TAKEN = 0
    RATE = 1
    FULL = 2
    HOLE = 3
    SUPERSEDED = 4


@dataclass(slots=True)
class Run:
    """Consecutive events of one agent, as one connection or one request brings them.

    ``records`` are encoded events, ``ids`` theirs, ``received_at`` is RFC 3339 in UTC. A
    sequenced run has an ``incarnation`` above 0
    and the ``seq`` of its first record; ``spent`` counts refused items at its end, which use up
    their numbers. ``floor`` is a seq that is known to be stored. ``rate`` (events a second) and
    ``burst`` are those of the agent's bucket, put in by the intake.
    """

    key: str
    project: str
    ids: list[str]
    records: list[bytes]
    received_at: str
    rate: float = 0.0
    burst: int = 0
    incarnation: int = 0
    seq: int = 0
    spent: int = 0
    floor: int = 0
    sealed: bool = False
    """The run is on its way to the log: nothing can be added to it any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``TAKEN``: ``seq`` is the last one logged, ``duplicates`` how many were known already.
    ``RATE`` and ``FULL``: try again after ``retry_after_ms``. ``HOLE``: ``seq`` is the expected
    one. ``SUPERSEDED``: ``seq`` is the newest incarnation.
    """

    verdict: Verdict
    seq: int = 0
    duplicates: int = 0
    retry_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in a partition's log, passed when ``logged`` events of this life are drained."""

    generation: str
    logged: int


NOWHERE = Mark("", 0)
"""The point of something that is not in the log."""


@dataclass(frozen=True, slots=True)
class Appended:
    """The answer to one append: an outcome for each run, in order, and the point behind them."""

    outcomes: list[Outcome]
    mark: Mark
    ring: bool


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run as the drain reads it: only the records that were new to the log."""

    key: str
    incarnation: int
    last_seq: int
    received_at: str
    records: list[bytes]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one append left in the log.

    ``logged`` and ``bytes`` are the counters before it, ``duplicates`` is the one behind it.
    """

    position: str
    generation: str
    logged: int
    count: int
    bytes: int
    size: int
    duplicates: int
    runs: list[LoggedRun]

    @property
    def is_poke(self) -> bool:
        """Whether it only says that something waits elsewhere."""
        return not self.runs


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits in a partition.

    ``first`` and ``last`` are the positions of the oldest and the newest chunk that is there,
    ``waiting_from`` the counter before the oldest (None if there is none), ``waiting_to`` the
    counter after the newest.
    """

    generation: str
    logged: int
    drained: int
    duplicates: int
    chunks: int
    first: str
    last: str
    waiting_from: int | None
    waiting_to: int


class LogUnavailable(Exception):
    """The log's server is out of reach, or refuses to write."""


class Appender(Protocol):
    """Puts a run into the log and waits for its outcome; gathers many for one append."""

    def append(self, run: Run) -> tuple[Outcome, Mark]:
        """The outcome, and the point in the log behind the run.

        Raises:
            LogUnavailable: it is not known whether anything was taken.
        """
        ...


class EventLog(Protocol):
    """A partitioned log."""

    partitions: int

    def append(self, runs: Mapping[int, Sequence[Run]]) -> dict[int, Appended]:
        """Append runs to their partitions, one atomic step for each.

        Raises:
            LogUnavailable: it is not known whether anything was taken.
        """
        ...

    def poke(self, partitions: Sequence[int]) -> list[int]:
        """Wake who reads these partitions, with a chunk of no runs: something waits elsewhere.

        Returns those whose bell must be rung.

        Raises:
            LogUnavailable: nobody may have been woken.
        """
        ...

    def hello(self, partition: int, key: str, incarnation: int, stored: int) -> int | None:
        """Take up an agent's sequence: its last logged seq, None if superseded already."""
        ...

    def sequences(self, names: Sequence[tuple[int, str]]) -> list[tuple[int, int]]:
        """(incarnation, last logged seq) of agents, each given as its partition and key.

        (0, 0) for one that the log does not know.
        """
        ...

    def generation(self, partition: int) -> str:
        """The log's present life; empty if nothing was ever written."""
        ...

    def read(
        self, positions: Mapping[int, str], *, count: int, block_ms: int
    ) -> dict[int, list[Chunk]]:
        """Up to ``count`` chunks of each partition after its position; waits if there are none."""
        ...

    def finish(self, last: Mapping[int, Chunk]) -> None:
        """Everything up to and including these chunks is stored: let go of it."""
        ...

    def depth(self) -> list[Depth]:
        """How much waits, for each partition."""
        ...
