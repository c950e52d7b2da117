"""Notifications of PostgreSQL: somebody has written to the outbox. They wake, and carry no data."""

from __future__ import annotations

from typing import Any, Final, cast

import psycopg
from sqlalchemy import Connection, text

CHANNEL: Final = "telltale_outbox"


def listen(connection: Connection) -> None:
    """Hear from now on what is said on the channel. The connection must be in autocommit mode."""
    connection.execute(text(f"LISTEN {CHANNEL}"))


def heard(connection: Connection, timeout_s: float) -> set[int]:
    """The partitions that were named within this time; returns with the first of them.

    Raises:
        psycopg.OperationalError: the connection is lost.
    """
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    said = {notice.payload for notice in driver.notifies(timeout=timeout_s, stop_after=1)}
    # Whoever may connect may notify, whatever they like.
    return {int(word) for word in said if word.isascii() and word.isdigit() and len(word) < 4}
