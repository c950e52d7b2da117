"""The tables of events come and go while others write and read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.core.database import create_database
from app.storage import event_ranges, partitions
from tests.integration.test_migrations import store

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RETENTION = timedelta(days=35)


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_database(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=3, name="test"
    )
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM partitions"))
        partitions.create(connection, 2)
    yield engine
    event_ranges.maintain(engine, NOW + timedelta(days=9000), RETENTION)
    engine.dispose()


def names(engine: Engine) -> set[str]:
    """All tables that hold a range, or held one."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE tablename ~ '^events_[0-9]{8}$'")
        )
        return set(found.scalars())


def lost_through(engine: Engine) -> dict[int, int]:
    with engine.connect() as connection:
        return partitions.lost_through(connection)


def test_tables_are_made_while_somebody_writes(engine: Engine) -> None:
    event_ranges.maintain(engine, NOW, RETENTION)
    with engine.begin() as writer:
        store(writer, NOW, "on its way")
        week = timedelta(days=7)
        made, dropped = event_ranges.maintain(engine, NOW + week, RETENTION + week)
    assert (made, dropped) == (["events_20261221"], [])


def test_what_is_dropped_is_remembered(engine: Engine) -> None:
    event_ranges.maintain(engine, NOW, RETENTION)
    with engine.begin() as connection:
        store(connection, NOW - timedelta(days=35), "old", offset=7)
        store(connection, NOW, "new", offset=8)
        store(connection, NOW - timedelta(days=34), "late", offset=9)
    assert lost_through(engine) == {0: 0, 1: 0}
    event_ranges.maintain(engine, NOW + timedelta(days=21), RETENTION)
    assert lost_through(engine) == {0: 9, 1: 0}


def test_a_reader_is_not_hurried_and_nobody_waits_behind_it(engine: Engine) -> None:
    """Dropping gives up after its time-out, leaves everybody to write, and is finished later."""
    event_ranges.maintain(engine, NOW, RETENTION)
    later = NOW + timedelta(days=21)
    with engine.begin() as connection:
        store(connection, NOW - timedelta(days=35), "old", offset=5)
    with engine.connect() as reader:
        assert reader.execute(text("SELECT count(*) FROM events")).scalar() == 1
        with pytest.raises(OperationalError) as stopped:
            event_ranges.maintain(engine, later, RETENTION)
        assert isinstance(stopped.value.orig, psycopg.errors.LockNotAvailable)
        with engine.begin() as writer:
            writer.execute(text("SET LOCAL lock_timeout = '1s'"))
            store(writer, later, "meanwhile", offset=6)
    assert "events_20261019" in names(engine)
    _, dropped = event_ranges.maintain(engine, later, RETENTION)
    assert "events_20261019" in dropped
    assert lost_through(engine)[0] == 5
    assert "events_20261019" not in names(engine)


def test_a_table_that_somebody_else_detached_is_left_alone(engine: Engine) -> None:
    event_ranges.maintain(engine, NOW, RETENTION)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE events DETACH PARTITION events_20261019"))
    event_ranges.maintain(engine, NOW + timedelta(days=70), RETENTION)
    assert "events_20261019" in names(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE events_20261019"))


def test_a_day_without_a_table_is_given_one(engine: Engine) -> None:
    event_ranges.maintain(engine, NOW, RETENTION)
    assert event_ranges.make_for(engine, [date(2025, 3, 9), NOW.date()]) == ["events_20250303"]
    with engine.begin() as connection:
        store(connection, datetime(2025, 3, 9, 23, 59, 59, tzinfo=UTC), "very old")
    _, dropped = event_ranges.maintain(engine, NOW, RETENTION)
    assert dropped == ["events_20250303"]
