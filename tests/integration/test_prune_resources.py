"""Configurations, tasks and agents whose time is over: what goes, and what keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import Engine, text

from app.cli.agents import create_group
from app.core import clock
from app.core.database import create_database
from app.storage import event_ranges, pruning

PROJECT = "00000000-0000-0000-0000-000000000001"
CONFIGS = f"""
INSERT INTO agent_config_history (project_id, agent_id, version, value, changed_at, changed_by)
SELECT '{PROJECT}', agent, n, '{{}}', now() - (11 - n) * interval '1 day', 'm'
FROM unnest(ARRAY['busy', 'deleted']) AS agent, generate_series(1, 10) AS n;
ALTER TABLE agent_configs DISABLE TRIGGER USER;
INSERT INTO agent_configs (project_id, agent_id, version, value)
VALUES ('{PROJECT}', 'busy', 10, '{{}}');
ALTER TABLE agent_configs ENABLE TRIGGER USER;
"""
TASKS = f"""
INSERT INTO tasks (project_id, task_id, version, state, agent_id, parent_id, created_at,
    updated_at, finished_at)
SELECT '{PROJECT}', name, 2, 'completed', 'w', parent, now(), now(), ended FROM (VALUES
    ('old', NULL, now() - interval '90 days'),
    ('late', NULL, now() - interval '10 days'),
    ('open', NULL, NULL),
    ('told', NULL, now() - interval '90 days'),
    ('parent', NULL, now() - interval '90 days'),
    ('child', 'parent', now() - interval '90 days'),
    ('kept', NULL, now() - interval '90 days'),
    ('young', 'kept', now() - interval '10 days')) AS rows (name, parent, ended);
INSERT INTO projection_snapshots (project_id, kind, id, position, as_of, state)
SELECT project_id, 'task', task_id, 2, now(), '{{}}' FROM tasks;
"""
TOLD = f"""
INSERT INTO events (project_id, event_id, partition, "offset", type, agent_id, occurred_at,
    received_at, task_id, severity, data, task_version)
VALUES ('{PROJECT}', 'e1', 0, 1, 'task.completed', 'w', now(), now(), 'told', 1, '{{}}', 2),
    ('{PROJECT}', 'e2', 0, 2, 'agent.log', 'heard', now(), now(), NULL, 1, '{{}}', NULL);
"""
AGENTS = f"""
INSERT INTO agents (project_id, agent_id, liveness, last_seen_at)
SELECT '{PROJECT}', name, liveness, now() - days * interval '1 day' FROM (VALUES
    ('gone', 'lost', 400), ('here', 'online', 0), ('back soon', 'lost', 20),
    ('heard', 'lost', 400), ('ordered', 'lost', 400)) AS rows (name, liveness, days);
INSERT INTO agent_cursors (project_id, agent_id, incarnation, seq)
VALUES ('{PROJECT}', 'gone', 1, 9);
INSERT INTO commands (project_id, command_id, agent_id, name, args, created_by, deadline_at)
VALUES ('{PROJECT}', gen_random_uuid(), 'ordered', 'pause', '{{}}', 'm', now());
"""
CLEAR = (
    "TRUNCATE agent_configs, agent_config_history, tasks, projection_snapshots, events, agents,"
    " agent_cursors, commands"
)


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_database(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=2, name="test"
    )
    event_ranges.maintain(engine, clock.now(), timedelta(days=1))
    yield engine
    with engine.begin() as connection:
        connection.execute(text(CLEAR))
    engine.dispose()


def write(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def left(engine: Engine, column: str, table: str, where: str = "true") -> list[object]:
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT {column} FROM {table} WHERE {where} ORDER BY 1"))
        return list(found.scalars())


def test_versions_go_by_age_and_by_number_and_the_newest_stays(engine: Engine) -> None:
    write(engine, CONFIGS)
    now = clock.now()
    with engine.begin() as connection:
        assert pruning.configs(connection, now - timedelta(days=7, hours=1), 1000) == 2 * 3
        assert pruning.configs(connection, now - timedelta(days=7, hours=1), 4) == 3
        assert pruning.configs(connection, now - timedelta(days=7, hours=1), 4) == 0
    table = "agent_config_history"
    assert left(engine, "version", table, "agent_id = 'busy'") == [7, 8, 9, 10]
    assert left(engine, "version", table, "agent_id = 'deleted'") == [4, 5, 6, 7, 8, 9, 10]
    with engine.begin() as connection:
        pruning.configs(connection, now, 1000)
    assert left(engine, "version", table, "agent_id = 'deleted'") == [10]


def test_tasks_go_when_history_has_forgotten_them(engine: Engine) -> None:
    write(engine, TASKS, TOLD)
    before = clock.now() - timedelta(days=60)
    with engine.begin() as connection:
        assert pruning.tasks(connection, before) == 2
    assert left(engine, "task_id", "tasks") == ["kept", "late", "open", "parent", "told", "young"]
    with engine.begin() as connection:
        assert pruning.tasks(connection, before) == 1
    remaining = ["kept", "late", "open", "told", "young"]
    assert left(engine, "task_id", "tasks") == remaining
    assert left(engine, "id", "projection_snapshots") == remaining
    write(engine, "TRUNCATE events")
    with engine.begin() as connection:
        assert pruning.tasks(connection, before) == 1
    assert left(engine, "task_id", "tasks") == ["kept", "late", "open", "young"]


def test_agents_are_forgotten_on_demand_and_named_before(engine: Engine) -> None:
    write(engine, AGENTS, TOLD)
    runner = Flask("test").test_cli_runner()
    group, info = create_group(engine), ScriptInfo(create_app=lambda: Flask("test"))

    def forget(*options: str) -> str:
        done = runner.invoke(group, ["forget", "--days", "365", *options], obj=info)
        assert done.exit_code == 0, done.output
        return done.output

    assert forget("--dry-run") == f"{PROJECT}  gone\n1 would go.\n"
    assert len(left(engine, "agent_id", "agents")) == 5
    assert forget() == "1 forgotten.\n"
    assert left(engine, "agent_id", "agents") == ["back soon", "heard", "here", "ordered"]
    assert left(engine, "agent_id", "agent_cursors") == []
    assert forget() == "0 forgotten.\n"
