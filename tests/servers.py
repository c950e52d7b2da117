"""Real servers for the tests: one PostgreSQL and one Valkey, and databases for whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, cycle
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from redis import Redis
from sqlalchemy import create_engine

from launcher.command import ROOT
from launcher.folder import DataFolder
from launcher.postgres import Postgres
from launcher.supervisor import Supervisor
from launcher.valkey import Valkey
from launcher.waiting import wait_until

TEMPLATE = "migrated"
REDIS_DATABASES = 64


class Servers:
    """The two servers, without any process of the product."""

    def __init__(self, data: Path) -> None:
        self._folder = DataFolder(data)
        self._supervisor = Supervisor(self._folder, tell=print)
        self._postgres = Postgres(self._folder.postgres, self._folder.sockets("pg"), durable=False)
        self._valkey = Valkey(self._folder.valkey, self._folder.sockets("vk"))
        self._names = count(1)
        self._redis_databases = cycle(range(1, REDIS_DATABASES))

    def up(self) -> None:
        """Start both and migrate the template of all databases."""
        self._folder.prepare()
        if initdb := self._postgres.initdb():
            self._supervisor.run(initdb, timeout_s=120, abort=threading.Event())
            self._postgres.adopt()
        for server in (self._postgres, self._valkey):
            self._supervisor.start(server.program())
        for server in (self._postgres, self._valkey):
            wait_until(server.ready, timeout_s=60, what=lambda: "a server for the tests is late")
        self._execute("CREATE DATABASE {}", TEMPLATE)
        migrate(self._postgres.url(TEMPLATE))

    def down(self) -> None:
        """Stop both."""
        self._supervisor.stop_all()

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a fresh, migrated database; it is dropped at the end."""
        name = f"test_{next(self._names)}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, TEMPLATE)
        try:
            yield self._postgres.url(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """The address of a database without a table, for the tests of the migrations."""
        name = f"empty_{next(self._names)}"
        self._execute("CREATE DATABASE {}", name)
        try:
            yield self._postgres.url(name)
        finally:
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    @contextmanager
    def redis(self) -> Iterator[str]:
        """The address of an empty numbered database of Valkey; all of them share the channels."""
        url = self._valkey.url(next(self._redis_databases))
        with Redis.from_url(url) as client:
            client.flushdb()
            yield url
            client.flushdb()

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._postgres.url("postgres"), autocommit=True) as connection:
            identifiers = [sql.Identifier(name) for name in names]
            connection.execute(sql.SQL(statement).format(*identifiers))


def migrate(database_url: str) -> None:
    """Bring a database to the newest schema."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
