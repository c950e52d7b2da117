"""One transaction for all partitions that this process stays on: lock, read, keep, commit, tell.

The drain's actors of one process work together here. A transaction costs the same for one partition
as for eight, and at a thousand events a second each partition has one event at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import psycopg
from sqlalchemy import Engine

from app.backplane.publish import Publisher, messages
from app.core import metrics
from app.core.logging import get_logger
from app.domain.batch import PartitionState, Plan, plan, without
from app.domain.row import Row
from app.eventlog.log import START, Chunk, EventLog
from app.storage import agents, dead_letters, event_ranges, events, partitions, tasks
from workers.placer import Placed, place_all
from workers.poison import culprits, is_refusal

MAX_READ_CHUNKS = 64
"""Chunks read of each partition at once, at most. A chunk is what one gateway flushed: up to 1 MiB,
two thousand events or one, so the number follows what was found.
"""

MAX_BATCH_EVENTS = 4000
"""A transaction is not made larger than this: it holds the leases of its partitions."""

MAX_BATCH_BYTES = 8 * 1024 * 1024
FINISH_EVERY_S = 0.1
LOCKED_WAIT_S = 0.02

log = get_logger(__name__)


class _ReadElsewhere(Exception):
    """Rows are not where this process took them to be; nothing was kept."""

    def __init__(self, partition: int, position: str) -> None:
        super().__init__(f"Partition {partition} has to be read behind {position}.")
        self.partition, self.position = partition, position


class Drainer:
    """Keeps what the log holds. One instance a process; not reentrant."""

    def __init__(self, engine: Engine, eventlog: EventLog, publisher: Publisher) -> None:
        self._engine = engine
        self._log = eventlog
        self._publisher = publisher
        self._positions: dict[int, str] = {}
        self._read_chunks = 8
        self._unfinished: dict[int, Chunk] = {}
        self._finished_at = 0.0

    def forget(self, partition: int) -> None:
        """The process leaves the partition; others may move it before it comes back."""
        self._positions.pop(partition, None)

    def reconnect(self) -> None:
        """PostgreSQL went away: the pooled connections are dead."""
        self._positions.clear()
        self._engine.dispose()

    def drain(self, held: Sequence[int], *, block_ms: int) -> set[int]:
        """Keep what waits in these partitions, waiting up to ``block_ms`` if nothing does.

        Returns the partitions in which something was found.

        Raises:
            LogUnavailable: nothing was read.
            psycopg.OperationalError: PostgreSQL is out of reach; nothing is lost or half done.
        """
        for partition in held:
            if partition not in self._positions:
                self._positions[partition] = self._position(partition)
        chunks = self._log.read(
            {p: self._positions[p] for p in held}, count=self._read_chunks, block_ms=block_ms
        )
        if not chunks:
            return set()
        self._read_chunks = _chunks_to_read(chunks)
        chunks = {p: _bounded(found, len(chunks)) for p, found in chunks.items()}
        started = time.perf_counter()
        try:
            plans = self._keep(chunks)
        except events.NoRange as error:
            late = event_ranges.make_for(self._engine, error.days)
            log.warning("ranges_made_late", made=late)
            return set()
        except _ReadElsewhere as elsewhere:
            self._positions[elsewhere.partition] = elsewhere.position
            return set(chunks)
        metrics.drain_seconds.observe(time.perf_counter() - started)
        chunks = {made.state.partition: chunks[made.state.partition] for made in plans}
        if not plans:
            # Another worker holds the rows; what is there is looked at again soon.
            time.sleep(LOCKED_WAIT_S)
            return set()
        drained = sum(chunk.count for found in chunks.values() for chunk in found)
        metrics.drain_batch.observe(drained)
        for made in plans:
            self._positions[made.state.partition] = made.state.log_position
        self._publisher.publish(*messages(plans))
        self._unfinished |= {partition: found[-1] for partition, found in chunks.items()}
        if time.monotonic() - self._finished_at > FINISH_EVERY_S:
            self.finish()
        return set(chunks)

    def finish(self) -> None:
        """Let the log go of what is stored: not after each batch, it is a round trip of its own.

        Raises:
            LogUnavailable: it is let go of later.
        """
        last, self._unfinished = self._unfinished, {}
        self._finished_at = time.monotonic()
        if last:
            self._log.finish(last)

    def _position(self, partition: int) -> str:
        """Where to read on: the row's position, or the start if the log began a new life."""
        with self._engine.connect() as connection:
            state = next(s for s in partitions.states(connection) if s.partition == partition)
        if state.log_generation != self._log.generation(partition):
            return START
        return state.log_position

    def _keep(self, chunks: Mapping[int, Sequence[Chunk]]) -> list[Plan]:
        """Store the chunks; find out what is a duplicate or poison only if PostgreSQL objects."""
        connection = self._engine.raw_connection()
        try:
            driver = cast("psycopg.Connection[Any]", connection.driver_connection)
            try:
                return self._keep_together(driver, chunks)
            except psycopg.Error as error:
                if not is_refusal(error):
                    raise
                driver.rollback()
                log.warning("batch_refused", error=str(error))
                return self._keep_one_by_one(driver, chunks)
        finally:
            connection.close()

    def _keep_together(
        self, driver: psycopg.Connection[Any], chunks: Mapping[int, Sequence[Chunk]]
    ) -> list[Plan]:
        with driver.cursor() as cursor:
            states = partitions.lock(cursor, chunks)
            try:
                made = self._write(cursor, states, chunks, careful=False)
            except psycopg.errors.UniqueViolation:
                driver.rollback()
                states = partitions.lock(cursor, chunks)
                made = self._write(cursor, states, chunks, careful=True)
        return made

    def _write(
        self,
        cursor: psycopg.Cursor[Any],
        states: Mapping[int, PartitionState],
        chunks: Mapping[int, Sequence[Chunk]],
        *,
        careful: bool,
    ) -> list[Plan]:
        plans = [self._plan(cursor, state, chunks[p], careful) for p, state in states.items()]
        return self._commit(cursor, place_all(cursor, plans, chunks))

    def _commit(self, cursor: psycopg.Cursor[Any], placed: Placed) -> list[Plan]:
        plans = placed.plans
        events.copy_rows(cursor, [row for made in plans for row in made.rows])
        with cursor.connection.pipeline():
            agents.move_cursors(cursor, [move for made in plans for move in made.cursors])
            agents.fold(cursor, [fold for made in plans for fold in made.agents])
            tasks.save_all(cursor, ((p, task) for (p, _), task in placed.tasks.items()))
            partitions.move(cursor, [made.state for made in plans])
            # In the same round trip: what fails here fails the commit.
            cursor.connection.commit()
        if placed.more:
            self._log.poke(placed.more)
        return plans

    def _plan(
        self,
        cursor: psycopg.Cursor[Any],
        state: PartitionState,
        chunks: Sequence[Chunk],
        careful: bool,
    ) -> Plan:
        """``careful`` asks PostgreSQL which events it has; otherwise only for those that came
        without a time, whose unique key could not tell.
        """
        made = plan(state, chunks)
        if made.vanished:
            self._check_position(state, chunks)
            made = replace(made, state=replace(made.state, epoch=self._new_epoch(cursor, made)))
            state = replace(state, epoch=made.state.epoch)
        asked = [row for row in made.rows if careful or row.timed_by_us]
        if not asked:
            return made
        stored = events.known(cursor, ((row.project_id, row.event.id) for row in asked))
        if not stored:
            return made
        ids = {(project, event_id) for project, event_id, _ in stored}

        def known(row: Row) -> bool:
            if row.timed_by_us:
                return (row.project, row.event.id) in ids
            return row.identity in stored

        return plan(state, chunks, known)

    def _check_position(self, state: PartitionState, chunks: Sequence[Chunk]) -> None:
        """The row may have gone back behind what this process has kept, and the log still have it.

        Raises:
            _ReadElsewhere: it was not read from where the row stands.
        """
        same_life = chunks[0].generation == state.log_generation
        position = state.log_position if same_life else START
        if self._positions[state.partition] != position:
            raise _ReadElsewhere(state.partition, position)

    def _new_epoch(self, cursor: psycopg.Cursor[Any], made: Plan) -> str:
        """PostgreSQL has lost what it had committed (docs/decisions/history-going-back.md)."""
        epoch = partitions.renew_epoch_in(cursor)
        metrics.epochs_renewed.labels("drain").inc()
        log.error(
            "history_went_back",
            partition=made.state.partition,
            vanished=made.vanished,
            epoch=epoch,
        )
        return epoch

    def _keep_one_by_one(
        self, driver: psycopg.Connection[Any], chunks: Mapping[int, Sequence[Chunk]]
    ) -> list[Plan]:
        """PostgreSQL refuses the batch: split each partition's rows until the culprits are out."""
        plans = []
        for partition, found in chunks.items():
            with driver.cursor() as cursor:
                locked = partitions.lock(cursor, [partition])
                if not locked:
                    continue
                made = self._plan(cursor, locked[partition], found, careful=True)
                made = self._without_poison(cursor, made)
                plans += self._commit(cursor, place_all(cursor, [made], chunks))
        return plans

    def _without_poison(self, cursor: psycopg.Cursor[Any], made: Plan) -> Plan:
        poison = culprits(cursor, made.rows, 0, len(made.rows))
        for index, error in reversed(poison):
            row = made.rows[index]
            self._bury(cursor, row.project_id, row, error)
            made = without(made, index)
        return made

    def _bury(self, cursor: psycopg.Cursor[Any], project_id: UUID, row: Row, error: str) -> None:
        dead_letters.bury_event(cursor, project_id, row.partition, row.record, error)
        metrics.dead_events.inc()
        log.error("event_refused", partition=row.partition, event_id=row.event.id, error=error)


def _chunks_to_read(found: Mapping[int, Sequence[Chunk]]) -> int:
    """As many as make a full batch if the next chunks are like these."""
    chunks = sum(map(len, found.values()))
    events = sum(chunk.count for some in found.values() for chunk in some)
    size = sum(chunk.size for some in found.values() for chunk in some)
    by_count = MAX_BATCH_EVENTS * chunks // (max(1, events) * len(found))
    by_size = MAX_BATCH_BYTES * chunks // (max(1, size) * len(found))
    return max(1, min(MAX_READ_CHUNKS, by_count, by_size))


def _bounded(chunks: list[Chunk], partitions_read: int) -> list[Chunk]:
    """As many chunks, from the first, as one transaction should take of this partition."""
    count = size = 0
    for index, chunk in enumerate(chunks):
        count += chunk.count
        size += chunk.size
        if index and (
            count > MAX_BATCH_EVENTS // partitions_read or size > MAX_BATCH_BYTES // partitions_read
        ):
            return chunks[:index]
    return chunks
