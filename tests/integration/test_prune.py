"""What the transactional path leaves behind goes when its time is over, a little at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app.core.database import create_database
from app.storage import audit, commands, idempotency
from workers import prune as pruning
from workers.prune import Kept, Prune

KEPT = Kept(
    audit=timedelta(days=30),
    commands=timedelta(days=7),
    configs=timedelta(days=100),
    config_versions=50,
    tasks=timedelta(days=60),
    agents=None,
)

KEYS = """
INSERT INTO idempotency_keys
    (project_id, path, key, request_hash, status, headers, body, created_at)
SELECT gen_random_uuid(), '/v1/tasks', n::text, '', 201, '{}', '', now() - n * interval '1 hour'
FROM generate_series(1, 48) AS n
"""
ENTRIES = """
INSERT INTO audit_log (project_id, subject, action, resource, resource_id, at)
SELECT gen_random_uuid(), 's', 'a', 'r', n::text, now() - (61 - n) * interval '1 day'
FROM generate_series(1, 60) AS n
"""

COMMANDS = """
INSERT INTO commands
    (project_id, command_id, agent_id, name, args, created_by, deadline_at, finished_at)
SELECT gen_random_uuid(), gen_random_uuid(), 'w', 'pause', '{}', 'm', now(),
    CASE WHEN n < 20 THEN now() - n * interval '1 day' END
FROM generate_series(1, 20) AS n
"""


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_database(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=2, name="test"
    )
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE idempotency_keys, audit_log, commands"))
        connection.execute(text(KEYS))
        connection.execute(text(ENTRIES))
        connection.execute(text(COMMANDS))
    yield engine
    engine.dispose()


def left(engine: Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        return tuple(  # type: ignore[return-value]
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in ("idempotency_keys", "audit_log")
        )


def test_what_is_past_its_time_goes_and_nothing_else(engine: Engine) -> None:
    prune = Prune(engine, KEPT)
    prune.step()
    # One hour, one day: what is exactly so old is past it by now.
    assert left(engine) == (23, 29)
    prune.step()
    assert left(engine) == (23, 29)
    with engine.connect() as connection:
        oldest = connection.execute(text("SELECT min(resource_id::int) FROM audit_log")).scalar()
    assert oldest == 32


def test_a_step_is_bounded_and_the_next_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PRUNED_AT_ONCE", 10)
    monkeypatch.setattr(audit, "PRUNED_AT_ONCE", 20)
    prune = Prune(engine, KEPT)
    expected = [(38, 40), (28, 29), (23, 29), (23, 29)]
    for counts in expected:
        prune.step()
        assert left(engine) == counts


def test_ticks_step_in_their_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "PRUNED_AT_ONCE", 10)
    Prune(engine, KEPT).tick()
    prune = Prune(engine, KEPT)
    prune.tick()
    prune.tick()
    assert left(engine)[0] == 28
    monkeypatch.setattr(pruning, "AGAIN_S", 0.0)
    prune = Prune(engine, KEPT)
    prune.tick()
    prune.tick()
    assert left(engine)[0] == 23


def test_commands_go_when_they_ended_long_ago(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "PRUNED_AT_ONCE", 10)
    prune = Prune(engine, KEPT)
    for expected in (10, 7, 7):
        prune.step()
        with engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM commands")).scalar_one()
        # Six that ended lately, and one that has not ended.
        assert found == expected
