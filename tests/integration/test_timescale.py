"""The branch for TimescaleDB, run against a stand-in for its functions (``timescale.sql``)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text

from app.core.database import create_database
from app.storage import event_ranges, partitions
from tests.integration.test_migrations import alembic, store
from tests.servers import Servers

STAND_IN = Path(__file__).with_name("timescale.sql")
CONTROL = "default_version = '0'\nrelocatable = true\ntrusted = false\n"

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
RETENTION = timedelta(days=35)


@pytest.fixture
def engine(servers: Servers) -> Iterator[Engine]:
    """A database that has an extension called timescaledb, and no tables yet."""
    # Not under pytest's folder, which PostgreSQL's user may not enter.
    with tempfile.TemporaryDirectory() as place, servers.empty_database() as url:
        folder = Path(place, "extension")
        folder.mkdir()
        Path(folder, "timescaledb.control").write_text(CONTROL)
        shutil.copyfile(STAND_IN, folder / "timescaledb--0.sql")
        for path in (Path(place), folder):
            path.chmod(0o755)
        engine = create_database(
            url.replace("postgresql://", "postgresql+psycopg://"), pool_size=3, name="test"
        )
        with engine.begin() as connection:
            connection.execute(text(f"SET LOCAL extension_control_path = '{place}:$system'"))
            connection.execute(text("CREATE EXTENSION timescaledb"))
        yield engine
        engine.dispose()


def test_the_migrations_make_a_hypertable_and_take_it_back(engine: Engine) -> None:
    alembic(engine, command.upgrade, "head")
    with engine.connect() as connection:
        assert event_ranges.is_hypertable(connection)
    alembic(engine, command.downgrade, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version", "chunk"}
    alembic(engine, command.upgrade, "head")


def test_retention_drops_chunks_and_remembers_what_they_held(engine: Engine) -> None:
    alembic(engine, command.upgrade, "head")
    with engine.begin() as connection:
        partitions.create(connection, 2)
        store(connection, NOW - timedelta(days=60), "old", offset=7)
        store(connection, NOW, "new", offset=8)
    made, dropped = event_ranges.maintain(engine, NOW, RETENTION)
    assert made == []
    assert len(dropped) == 1
    with engine.connect() as connection:
        left = connection.execute(text("SELECT event_id FROM events")).scalars().all()
        assert left == ["new"]
        assert partitions.lost_through(connection) == {0: 7, 1: 0}
    assert event_ranges.maintain(engine, NOW, RETENTION) == ([], [])
