"""The admin's key that a deployment brings along: made once, and refused when it cannot work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from app.core.database import create_database
from app.domain.access import Role
from app.domain.api_key import parse_key
from app.storage import credentials, people

KEY = "tt_first_" + "s" * 32


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    """A transaction that comes to nothing."""
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_database(url, pool_size=1, name="test")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def ensure(connection: Connection, key: str, role: Role = Role.ADMIN) -> bool:
    project = people.first_project(connection) or people.create_project(connection, "first")
    return credentials.ensure(connection, project.project_id, "admin", role, key)


def test_a_key_works_from_then_on(connection: Connection) -> None:
    assert ensure(connection, KEY)
    assert ensure(connection, KEY)
    identity = credentials.identify(connection, KEY)
    assert identity is not None
    assert identity.role is Role.ADMIN


def test_a_key_that_was_revoked_stays_so(connection: Connection) -> None:
    ensure(connection, KEY)
    project = people.first_project(connection)
    assert project is not None
    credentials.revoke(connection, project.project_id, parse_key(KEY)[0])
    assert not ensure(connection, KEY)
    assert credentials.identify(connection, KEY) is None


def test_an_id_that_is_another_keys(connection: Connection) -> None:
    ensure(connection, KEY)
    assert not ensure(connection, KEY[:-1] + "x")
    assert not ensure(connection, KEY, Role.VIEWER)
    assert credentials.identify(connection, KEY) is not None


def test_a_text_that_is_no_key(connection: Connection) -> None:
    with pytest.raises(ValueError, match="tt_<id>_<secret>"):
        ensure(connection, "hunter2")
