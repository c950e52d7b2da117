"""The stack as a library: parts killed, stalled, stopped, wiped and started again by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from launcher.errors import LauncherError, PlaceUnusable
from launcher.probe import Probe
from launcher.stack import Stack

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that these tests may break, without automatic restarts and with two web processes."""
    data = tmp_path_factory.mktemp("own")
    with Stack(data, restart=False, durable=False, webs=2) as stack:
        yield stack


def test_every_web_process_answers(own: Stack) -> None:
    assert len(set(own.urls)) == 2
    assert all(Probe(url, "/readyz")() for url in own.urls)


def test_a_killed_part_stays_dead_until_it_is_started(own: Stack) -> None:
    first = own.pids("worker")
    own.kill("worker")
    assert "worker" not in own.supervisor.running()
    own.start("worker")
    assert own.pids("worker")
    assert not set(first) & set(own.pids("worker"))


def test_a_web_process_comes_back_at_its_address(own: Stack) -> None:
    url = own.urls[1]
    own.kill("web-2")
    assert not Probe(url, "/healthz")()
    own.start("web-2")
    assert Probe(url, "/healthz")()


def test_postgres_keeps_its_data_over_a_kill(own: Stack) -> None:
    with psycopg.connect(own.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")
    own.kill("postgres")
    own.start("postgres")
    with psycopg.connect(own.database_url, autocommit=True) as connection:
        assert connection.execute("SELECT word FROM kept").fetchone() == ("still here",)
        connection.execute("DROP TABLE kept")
    own.wait_ready()


def test_valkey_loses_its_data_only_when_wiped(own: Stack) -> None:
    with Redis.from_url(own.redis_url) as client:
        client.set("kept", "still here")
        own.stop("valkey")
        own.start("valkey")
        assert client.get("kept") == b"still here"
        own.kill("valkey")
        own.valkey.wipe()
        own.start("valkey")
        assert client.get("kept") is None
    own.wait_ready()


def test_a_stalled_part_answers_nobody_until_it_goes_on(own: Stack) -> None:
    with Redis.from_url(own.redis_url, socket_timeout=0.2, retry=None) as client:
        client.ping()
        own.pause("valkey")
        with pytest.raises(RedisTimeoutError):
            client.ping()
        own.resume("valkey")
    own.wait_ready()


def test_a_database_of_another_version(tmp_path: Path) -> None:
    with (
        Stack(tmp_path, durable=False) as stack,
        psycopg.connect(stack.database_url, autocommit=True) as connection,
    ):
        connection.execute("UPDATE alembic_version SET version_num = 'later'")
    with (
        pytest.raises(PlaceUnusable, match="another version of Telltale"),
        Stack(tmp_path, durable=False),
    ):
        pass


def test_an_admin_key_that_was_revoked(tmp_path: Path) -> None:
    told: list[str] = []
    with Stack(tmp_path, durable=False) as stack:
        old = stack.admin_key
        with psycopg.connect(stack.database_url, autocommit=True) as connection:
            connection.execute("UPDATE api_keys SET revoked_at = now()")
    kept = tmp_path / "admin_key"
    with (
        pytest.raises(LauncherError, match=r"^ADMIN_KEY was revoked"),
        Stack(tmp_path, durable=False, env={"ADMIN_KEY": old}),
    ):
        pass
    assert kept.read_text().strip() == old
    with Stack(tmp_path, durable=False, tell=told.append) as stack:
        assert stack.admin_key == kept.read_text().strip() != old
        assert Probe(stack.url, "/v1/auth/me", key=stack.admin_key)()
    assert any("admin key" in line for line in told)


def test_names_that_are_none(own: Stack) -> None:
    with pytest.raises(LauncherError, match="no part called 'kafka'"):
        own.kill("kafka")
    with pytest.raises(LauncherError, match="no part called 'kafka'"):
        own.start("kafka")
