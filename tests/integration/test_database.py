"""The pool of connections to PostgreSQL."""

from __future__ import annotations

from sqlalchemy import text

from app.core.database import create_database
from launcher.waiting import wait_until

SIZE = 4


def test_connections_that_the_server_has_closed_are_not_given_out(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_database(url, pool_size=SIZE, name="closed")
    other = create_database(url, pool_size=1, name="other")
    opened = [engine.connect() for _ in range(SIZE)]
    for connection in opened:
        connection.execute(text("SELECT 1"))
    for connection in opened:
        connection.close()
    with other.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'telltale-closed'"
            )
        )
        wait_until(
            lambda: (
                not connection.execute(
                    text(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE application_name = 'telltale-closed'"
                    )
                ).scalar()
            ),
            timeout_s=10,
            what=lambda: "the connections stay open",
        )
    for _ in range(2 * SIZE):
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
    other.dispose()
