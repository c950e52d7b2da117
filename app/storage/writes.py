"""Writes whose outcome nobody waits for: gathered, and sent as one statement before the commit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Protocol

from sqlalchemy import Connection, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

Values = Mapping[str, Any]

_DIALECT: Final[Any] = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class Writer(Protocol):
    """Where a statement goes that changes something: a connection, at once; or ``Writes``."""

    def execute(self, statement: TextClause, parameters: Any, /) -> Any:
        """Change something."""
        ...


class Writes:
    """Statements that each insert, update or delete, and do not touch each other's rows: they are
    carried out as one, all on what was there before.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[TextClause, Values]] = []

    def execute(self, statement: TextClause, parameters: Values, /) -> None:
        """Add a statement, which is a constant of its module. What is wrong with it shows when it
        is sent.
        """
        self._waiting.append((statement, parameters))

    def send(self, connection: Connection) -> None:
        """Send what waits, as part of the connection's transaction."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            values = {
                f"{name}_{number}": value
                for number, (_, parameters) in enumerate(waiting)
                for name, value in parameters.items()
            }
            together = _together(tuple(statement for statement, _ in waiting))
            connection.exec_driver_sql(together, values)


@lru_cache(maxsize=256)
def _together(statements: tuple[TextClause, ...]) -> str:
    """One statement that carries out all, as the driver wants it."""
    parts = (_numbered(statement, number) for number, statement in enumerate(statements))
    return f"WITH {', '.join(f'part_{n} AS ({part})' for n, part in enumerate(parts))} SELECT"


def _numbered(statement: TextClause, number: int) -> str:
    """A statement whose parameters have names of their own."""
    compiled = statement.compile(dialect=_DIALECT)
    sql = str(compiled)
    for name in compiled.params:
        sql = sql.replace(f"%({name})s", f"%({name}_{number})s")
    return sql
