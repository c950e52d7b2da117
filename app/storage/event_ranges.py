"""The time partitions of ``events``: a week each, made ahead of need, dropped when too old.

None of it stands in the way of those who write: a table is made on its own and then attached, and
it is detached before it is dropped (docs/decisions/weekly-ranges.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection, Engine, text

from app.domain.retention import Range, ranges_to_keep, week_of
from app.storage import projections

_PREFIX: Final = "events_"
_CONDEMNED: Final = "Too old: retention is dropping this table."
"""The comment of a table that is on its way out, so that a crash half way leaves no riddle."""

_UPKEEP_LOCK: Final = 0x7E117A1F
_LOCK_TIMEOUT: Final = "2s"


def is_hypertable(connection: Connection) -> bool:
    """Whether TimescaleDB keeps the ranges itself."""
    return (
        connection.execute(
            text("SELECT 1 FROM pg_class WHERE relname = 'events' AND relkind = 'r'")
        ).scalar()
        is not None
    )


def maintain(engine: Engine, now: datetime, retention: timedelta) -> tuple[list[str], list[str]]:
    """Make the ranges that are or will be needed and drop those behind the retention.

    Returns the names of the tables made and dropped. Each table is a step of its own: what was done
    stays done, and what was not is done by the next call.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, psycopg.Error: PostgreSQL is out of reach, or somebody
            holds a table.
    """
    with _upkeep(engine) as connection:
        if is_hypertable(connection):
            return [], _drop_chunks(connection, now - retention)
        wanted = ranges_to_keep(now.date(), retention)
        made = _make(connection, wanted)
        old = {name for name in _attached(connection) if _start(name) < wanted[0].start}
        return made, _drop(connection, sorted(old.union(_condemned(connection))))


def make_for(engine: Engine, days: Iterable[date]) -> list[str]:
    """Make the ranges of these days (UTC) as far as they are missing; returns their names.

    For events that waited longer than their range was kept, and for a clock that has stood still.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, psycopg.Error: as ``maintain``.
    """
    with _upkeep(engine) as connection:
        wanted = {week_of(day) for day in days}
        # A table on its way out may still bear the name.
        names = {_name(span) for span in wanted}
        _drop(connection, sorted(names.intersection(_condemned(connection))))
        return _make(connection, wanted)


@contextmanager
def _upkeep(engine: Engine) -> Iterator[Connection]:
    """A connection without a transaction for whoever alone may change the ranges."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
        try:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _UPKEEP_LOCK})
            yield connection
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _UPKEEP_LOCK})
                connection.execute(text("RESET lock_timeout"))


def _make(connection: Connection, wanted: Iterable[Range]) -> list[str]:
    missing = {_name(span): span for span in wanted}
    for name in _attached(connection):
        missing.pop(name, None)
    for name, span in sorted(missing.items()):
        # CREATE … PARTITION OF would shut out every writer until it is done.
        with _transaction(connection):
            connection.execute(text(f"CREATE TABLE {name} (LIKE events INCLUDING ALL)"))
            connection.execute(
                text(
                    f"ALTER TABLE events ATTACH PARTITION {name}"
                    f" FOR VALUES FROM ('{span.start}') TO ('{span.end}')"
                )
            )
    return sorted(missing)


def _drop(connection: Connection, names: Iterable[str]) -> list[str]:
    dropped = []
    for name in names:
        # Readers hear of the loss before the rows are gone, and of what came since, after.
        with _transaction(connection):
            _record(connection, name)
            connection.execute(text(f"COMMENT ON TABLE {name} IS '{_CONDEMNED}'"))
        pending = _attached(connection).get(name)
        if pending is not None:
            how = "FINALIZE" if pending else "CONCURRENTLY"
            connection.execute(text(f"ALTER TABLE events DETACH PARTITION {name} {how}"))
        with _transaction(connection):
            _record(connection, name)
            projections.keep_bases(connection)
            connection.execute(text(f"DROP TABLE {name}"))
        dropped.append(name)
    return dropped


def _drop_chunks(connection: Connection, before: datetime) -> list[str]:
    older = {"before": before}
    with _transaction(connection):
        chunks = connection.execute(
            text("SELECT chunk::text FROM show_chunks('events', older_than => :before) AS chunk"),
            older,
        )
        for name in chunks.scalars().all():
            _record(connection, name)
        projections.keep_bases(connection)
        dropped = connection.execute(
            text("SELECT drop_chunks('events', older_than => :before)"), older
        )
        return [str(row[0]) for row in dropped]


def _record(connection: Connection, name: str) -> None:
    """Each partition remembers the last offset that goes with a table."""
    last = f'(SELECT max("offset") FROM {name} AS old WHERE old.partition = partitions.partition)'
    connection.execute(
        text(f"UPDATE partitions SET lost_through = {last} WHERE lost_through < {last}")
    )


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """All or nothing, on a connection that is otherwise without transactions."""
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with driver.transaction():
        yield


def _attached(connection: Connection) -> dict[str, bool]:
    """The ranges of ``events``, and whether each is half detached."""
    found = connection.execute(
        text(
            "SELECT child.relname, inhdetachpending FROM pg_inherits"
            " JOIN pg_class AS child ON child.oid = inhrelid"
            " WHERE inhparent = 'events'::regclass"
        )
    )
    return {row[0]: row[1] for row in found}


def _condemned(connection: Connection) -> list[str]:
    """Tables that a call which was cut off wanted to drop."""
    found = connection.execute(
        text(
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE nspname = current_schema() AND relkind = 'r'"
            " AND obj_description(pg_class.oid, 'pg_class') = :condemned ORDER BY relname"
        ),
        {"condemned": _CONDEMNED},
    )
    return list(found.scalars())


def _name(span: Range) -> str:
    return f"{_PREFIX}{span.start:%Y%m%d}"


def _start(name: str) -> date:
    return date.fromisoformat(name.removeprefix(_PREFIX))
