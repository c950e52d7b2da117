"""The drain on real servers: rows that went back, times without a table, duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app.backplane.publish import Publisher
from app.core import clock
from app.core.database import create_database
from app.core.identifiers import uuid7
from app.core.redis import create_redis
from app.domain.batch import PartitionState
from app.domain.ledger import balance
from app.domain.partition import agent_key
from app.eventlog.log import Run
from app.eventlog.redis_streams import RedisStreamsLog
from app.storage import event_ranges, partitions
from launcher.waiting import wait_until
from tests.integration.going_back import go_back
from tests.unit.domain.log_model import record
from workers.drainer import Drainer

PROJECT = str(uuid7())


@dataclass
class Pipeline:
    """A log of one partition and what drains it, on real servers."""

    engine: Engine
    log: RedisStreamsLog
    drainer: Drainer
    sent: list[str] = field(default_factory=list)

    def append(self, count: int) -> None:
        """So many events, in one chunk."""
        self.sent += (ids := [str(uuid7()) for _ in range(count)])
        self.append_ids(ids)

    def append_ids(self, ids: list[str]) -> None:
        """These, whether or not the log knows them."""
        records = [record(each) for each in ids]
        now = clock.rfc3339(clock.now())
        run = Run(agent_key(PROJECT, "a"), PROJECT, ids, records, now, rate=1e6, burst=1e6)
        self.log.append({0: [run]})

    def drain(self) -> None:
        """Until nothing is left."""

        def drained() -> bool:
            self.drainer.drain([0], block_ms=1)
            return self.state().log_drained == len(self.sent)

        wait_until(drained, timeout_s=10, what=lambda: f"it stands at {self.state()}")

    def state(self) -> PartitionState:
        with self.engine.connect() as connection:
            return partitions.states(connection)[0]

    def stored(self) -> list[str]:
        with self.engine.connect() as connection:
            rows = connection.execute(text('SELECT event_id FROM events ORDER BY "offset"'))
            return list(rows.scalars())


@pytest.fixture
def pipeline(postgres_url: str, redis_url: str) -> Iterator[Pipeline]:
    engine = create_database(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=2, name="test"
    )
    redis = create_redis(redis_url)
    redis.flushdb()
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM events"))
        connection.execute(text("DELETE FROM partitions"))
        partitions.create(connection, 1)
    log = RedisStreamsLog(
        redis, partitions=1, max_events=1000, max_bytes=10_000_000, recent_ids=1000
    )
    yield Pipeline(engine, log, Drainer(engine, log, Publisher(redis)))
    engine.dispose()
    redis.close()


def test_what_the_log_still_has_is_stored_again_in_its_place(pipeline: Pipeline) -> None:
    pipeline.append(2)
    pipeline.drain()
    past = pipeline.state()
    pipeline.append(3)
    pipeline.drain()
    go_back(pipeline.engine, past)
    assert pipeline.stored() == pipeline.sent[:2]
    pipeline.append(1)
    pipeline.drain()
    assert pipeline.stored() == pipeline.sent
    assert pipeline.state().head == 6
    assert pipeline.state().epoch == past.epoch


def test_what_the_log_has_let_go_of_begins_another_epoch(pipeline: Pipeline) -> None:
    pipeline.append(2)
    pipeline.drain()
    past = pipeline.state()
    pipeline.append(3)
    pipeline.drain()
    pipeline.drainer.finish()
    go_back(pipeline.engine, past)
    pipeline.append(1)
    pipeline.drain()
    now = pipeline.state()
    assert now.epoch != past.epoch
    assert pipeline.stored() == [*pipeline.sent[:2], pipeline.sent[-1]]
    pipeline.append(1)
    pipeline.drain()
    assert pipeline.state().epoch == now.epoch


def test_the_row_keeps_what_the_log_knew_again(pipeline: Pipeline) -> None:
    pipeline.append(3)
    pipeline.append_ids(pipeline.sent[:2])
    pipeline.append(1)
    pipeline.append_ids(pipeline.sent)
    pipeline.drain()
    # The last four came without anything new: they are the sweep's.
    state = pipeline.state()
    assert (state.stored, state.duplicates, state.accepted_before) == (4, 2, 2)
    [depth] = pipeline.log.depth()
    assert depth.duplicates == 6
    entry = balance(state, depth)
    assert (entry.accepted, entry.duplicates, entry.balanced) == (10, 6, True)


def test_an_event_of_a_time_without_a_table_is_stored(pipeline: Pipeline) -> None:
    event_ranges.maintain(pipeline.engine, clock.now() + timedelta(days=9000), timedelta(days=1))
    pipeline.append(3)
    pipeline.drain()
    assert pipeline.stored() == pipeline.sent
