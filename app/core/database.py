"""PostgreSQL connections: one engine a process, made where the process is wired."""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError

CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 30_000


def create_database(url: str, *, pool_size: int, name: str, wait_s: float = 5) -> Engine:
    """An engine with a bound on connections, on waiting for one and on a statement.

    ``wait_s`` bounds the wait for a connection of the pool. ``name`` shows in ``pg_stat_activity``.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": f"telltale-{name}",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
            " -c timezone=UTC -c idle_in_transaction_session_timeout=30000",
            # After a failover the old server may come back read-only; it is not the one we want.
            "target_session_attrs": "read-write",
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        },
    )
    event.listen(engine, "checkout", _refuse_the_dead)
    return engine


def _refuse_the_dead(connection: psycopg.Connection[Any], *_: object) -> None:
    """A server that went away has closed all its connections: nobody's request shall find out.

    Reads what the socket has, which is nothing or the end; asking the server would be a round trip.
    """
    try:
        connection.pgconn.consume_input()
        # The first may have read a last word.
        connection.pgconn.consume_input()
    except psycopg.OperationalError as error:
        raise InvalidatePoolError from error
