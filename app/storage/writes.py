"""Writes whose outcome nobody waits for: gathered, and sent in one round trip before the commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, cast

import psycopg
from sqlalchemy import Connection, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, OperationalError

Values = Mapping[str, Any] | Sequence[Mapping[str, Any]]


_DIALECT: Any = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Writer(Protocol):
    """Where a statement goes that changes something: a connection, at once; or ``Writes``."""

    def execute(self, statement: TextClause, parameters: Any, /) -> Any:
        """Change something."""
        ...


class Writes:
    """Statements in order. What is wrong with one of them shows when they are sent."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Values]] = []

    def execute(self, statement: TextClause, parameters: Values, /) -> None:
        """Add a statement, with one set of values or several."""
        self._waiting.append((_compiled(statement), parameters))

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def commit(self, connection: Connection) -> None:
        """Send what waits and end the connection's transaction with it.

        Raises:
            sqlalchemy.exc.DBAPIError: PostgreSQL is away, or objects: nothing is written.
        """
        waiting, self._waiting = self._waiting, []
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        try:
            with driver.pipeline(), driver.cursor() as cursor:
                for statement, values in waiting:
                    if isinstance(values, Mapping):
                        cursor.execute(statement, values)
                    else:
                        cursor.executemany(statement, values)
                driver.commit()
        except psycopg.OperationalError as error:
            raise OperationalError(None, None, error) from error
        except psycopg.Error as error:
            raise DBAPIError(None, None, error) from error


@lru_cache(maxsize=256)
def _compiled(statement: TextClause) -> str:
    """The statement as the driver wants it; statements are constants of their modules."""
    return str(statement.compile(dialect=_DIALECT))
