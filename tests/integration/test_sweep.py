"""The sweep judges who is there; a pause in which nobody listened makes nobody lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from dramatiq.brokers.stub import StubBroker
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app.core.database import create_database
from app.core.identifiers import uuid7
from app.core.redis import RedisClient, create_redis
from app.domain.partition import agent_key
from app.eventlog.presence import Presence
from app.eventlog.redis_streams import RedisStreamsLog
from app.storage import agent_views, agents
from launcher.waiting import wait_until
from workers import sweep as sweeping
from workers.sweep import Sweep

STALE_S, LOST_S = 1.0, 2.0


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = create_database(
        postgres_url.replace("postgresql://", "postgresql+psycopg://"), pool_size=2, name="test"
    )
    yield engine
    engine.dispose()


@pytest.fixture
def redis(redis_url: str) -> Iterator[RedisClient]:
    redis = create_redis(redis_url)
    redis.flushdb()
    yield redis
    redis.close()


@pytest.fixture
def sweep(engine: Engine, redis: RedisClient) -> Sweep:
    log = RedisStreamsLog(redis, partitions=1, max_events=9, max_bytes=9, recent_ids=9)
    broker = StubBroker(middleware=[])
    return Sweep(engine, redis, broker, log, stale_after_s=STALE_S, lost_after_s=LOST_S)  # type: ignore[arg-type]


@pytest.fixture
def project(engine: Engine) -> UUID:
    """A project with an agent that was seen last an hour ago, and that counts as online."""
    project = uuid7()
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO agents (project_id, agent_id, last_seen_at)"
                " VALUES (:project, 'a', now() - interval '1 hour')"
            ),
            {"project": project},
        )
    return project


def liveness(engine: Engine, project: UUID) -> str:
    with engine.connect() as connection:
        [(_, agent)] = agent_views.by_ids(connection, [(project, "a")])
    return str(agent.liveness)


def becomes_lost(sweep: Sweep, engine: Engine, project: UUID) -> float:
    """Sweep until the agent is lost; returns how many seconds that took."""
    began = time.monotonic()

    def lost() -> bool:
        sweep.liveness()
        return liveness(engine, project) == "lost"

    wait_until(lost, timeout_s=10, what=lambda: "it is never lost")
    return time.monotonic() - began


def test_nobody_is_lost_before_it_was_listened_for(
    sweep: Sweep, engine: Engine, project: UUID
) -> None:
    assert becomes_lost(sweep, engine, project) >= STALE_S


def test_nobody_is_lost_right_after_a_pause(
    sweep: Sweep, engine: Engine, project: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    becomes_lost(sweep, engine, project)
    with engine.begin() as connection:
        connection.execute(text("UPDATE agents SET liveness = 'online'"))
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.3)
    time.sleep(0.4)
    assert becomes_lost(sweep, engine, project) >= STALE_S


def test_a_sign_of_life_outlives_a_round_that_fails(
    sweep: Sweep,
    engine: Engine,
    redis: RedisClient,
    project: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    becomes_lost(sweep, engine, project)
    Presence(redis).seen([agent_key(str(project), "a")])
    with monkeypatch.context() as broken:

        def fail(*_: object, **__: object) -> None:
            raise OperationalError("", {}, Exception("PostgreSQL is away"))

        broken.setattr(agents, "touch", fail)
        with pytest.raises(OperationalError):
            sweep.liveness()
    sweep.liveness()
    assert liveness(engine, project) == "online"


def test_a_sign_of_life_that_redis_did_not_take_is_given_again(redis: RedisClient) -> None:
    key = agent_key(str(uuid7()), "a")
    nowhere = create_redis("unix:///nowhere")
    presence = Presence(nowhere)
    presence.seen([key])
    presence._redis = redis
    presence.seen([])
    assert [agent for _, agent, _ in presence.take()] == ["a"]
    presence.seen([])
    assert presence.take() == []
    nowhere.close()
