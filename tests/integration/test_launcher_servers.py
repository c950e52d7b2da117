"""The embedded servers as the tests themselves use them."""

from __future__ import annotations

import psycopg
from redis import Redis


def test_a_module_gets_a_migrated_database_of_its_own(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)


def test_a_module_gets_an_empty_redis(redis_url: str) -> None:
    with Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("key", "value")
        assert client.get("key") == b"value"
