"""The migrations make what the code expects, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from app.cli.commands import ROOT
from app.core.database import create_database
from app.storage import event_ranges
from app.storage.resource_tables import metadata

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_database(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=2, name="test"
    )
    yield engine
    engine.dispose()


def alembic(engine: Engine, action: Any, revision: str) -> None:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        action(config, revision)
        connection.commit()


def test_the_tables_of_the_code_are_those_of_the_migrations(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                # The ranges of events are tables of their own, made by the clock.
                "include_name": lambda name, kind, _: (
                    kind != "table" or not str(name).startswith("events_")
                )
            },
        )
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_down_takes_everything_back_and_up_makes_it_again(engine: Engine) -> None:
    alembic(engine, command.downgrade, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    alembic(engine, command.upgrade, "head")
    assert set(metadata.tables) <= set(inspect(engine).get_table_names())


def test_ranges_are_made_ahead_of_need_and_dropped_when_too_old(engine: Engine) -> None:
    retention = timedelta(days=35)
    made, dropped = event_ranges.maintain(engine, NOW, retention)
    assert "events_20261123" in made
    assert "events_20261214" in made
    assert dropped == []
    assert event_ranges.maintain(engine, NOW, retention) == ([], [])
    with engine.begin() as connection:
        store(connection, NOW - timedelta(days=35), "oldest that is kept")
        store(connection, NOW + timedelta(minutes=5), "newest that is taken")

    made, dropped = event_ranges.maintain(engine, NOW + timedelta(days=42), retention)
    assert "events_20261012" in dropped
    assert "events_20270125" in made
    with engine.connect() as connection:
        left = connection.execute(text("SELECT event_id FROM events")).scalars().all()
    assert left == ["newest that is taken"]


def store(connection: Any, at: datetime, event_id: str, offset: int = 1) -> None:
    connection.execute(
        text(
            'INSERT INTO events (project_id, partition, "offset", event_id, agent_id, type,'
            " occurred_at, received_at, severity, data)"
            " VALUES (gen_random_uuid(), 0, :offset, :id, 'agent', 'x', :at, now(), 1, '{}')"
        ),
        {"id": event_id, "at": at, "offset": offset},
    )
