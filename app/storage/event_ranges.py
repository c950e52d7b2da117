"""The time partitions of ``events``: a week each, made ahead of need, dropped when too old."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, text

from app.domain.retention import Range, ranges_to_keep

_PREFIX = "events_"


def is_hypertable(connection: Connection) -> bool:
    """Whether TimescaleDB keeps the ranges itself."""
    return (
        connection.execute(
            text("SELECT 1 FROM pg_class WHERE relname = 'events' AND relkind = 'r'")
        ).scalar()
        is not None
    )


def maintain(
    connection: Connection, now: datetime, retention: timedelta
) -> tuple[list[str], list[str]]:
    """Make the ranges that are or will be needed and drop those behind the retention.

    Returns the names of the tables made and dropped.
    """
    if is_hypertable(connection):
        chunks = connection.execute(
            text("SELECT drop_chunks('events', older_than => :before)"),
            {"before": now - retention},
        )
        return [], [str(row[0]) for row in chunks]
    # Making and dropping want the whole table for a moment: nobody may queue behind us for long.
    connection.execute(text("SET LOCAL lock_timeout = '2s'"))
    existing = set(
        connection.execute(
            text(
                "SELECT child.relname FROM pg_inherits"
                " JOIN pg_class AS child ON child.oid = inhrelid"
                " WHERE inhparent = 'events'::regclass"
            )
        ).scalars()
    )
    wanted = {_name(span): span for span in ranges_to_keep(now.date(), retention)}
    made = sorted(wanted.keys() - existing)
    oldest = min(span.start for span in wanted.values())
    dropped = sorted(name for name in existing - wanted.keys() if _start(name) < oldest)
    for name in made:
        span = wanted[name]
        connection.execute(
            text(
                f"CREATE TABLE {name} PARTITION OF events"
                f" FOR VALUES FROM ('{span.start}') TO ('{span.end}')"
            )
        )
    for name in dropped:
        connection.execute(text(f"DROP TABLE {name}"))
    return made, dropped


def _name(span: Range) -> str:
    return f"{_PREFIX}{span.start:%Y%m%d}"


def _start(name: str) -> date:
    return date.fromisoformat(name.removeprefix(_PREFIX))
