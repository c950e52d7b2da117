"""Moments that chance would seldom hit: the worker held in mid-batch, or in its commit.

Triggers on the partitions' rows wait for an advisory lock. While nobody holds it they cost nothing;
while a test holds it, the worker's transaction stands still exactly there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import psycopg

from launcher.waiting import wait_until

REACH_S = 10.0
FINISH_S = 10.0

TRIGGERS = """
CREATE FUNCTION chaos_window() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_mid_batch AFTER UPDATE ON partitions
    FOR EACH STATEMENT EXECUTE FUNCTION chaos_window(7001);
CREATE CONSTRAINT TRIGGER chaos_commit AFTER UPDATE ON partitions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_window(7002);
"""


class Window(IntEnum):
    """Where the worker is to stand; the number is that of the lock."""

    MID_BATCH = 7001
    """Everything is written, and COMMIT not yet sent."""
    COMMIT = 7002
    """COMMIT is sent and under way."""


def install(database_url: str) -> None:
    """Make the triggers, once a database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TRIGGERS)


@contextmanager
def held(database_url: str, window: Window) -> Iterator[list[int]]:
    """Inside the block a worker stands in the window. It goes on when the block ends.

    Yields the server processes that wait there, for ``wait_until_passed``.

    Raises:
        PartFailed: no worker came there.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [int(window)])

        def standing() -> list[int]:
            waiting = connection.execute(
                "SELECT pid FROM pg_locks"
                " WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
                [int(window)],
            )
            return [pid for (pid,) in waiting]

        wait_until(
            lambda: bool(standing()),
            timeout_s=REACH_S,
            what=lambda: f"no worker came to {window.name}",
        )
        yield standing()


def wait_until_passed(database_url: str, pids: list[int]) -> None:
    """Wait until the transactions of these server processes have ended."""
    with psycopg.connect(database_url, autocommit=True) as connection:

        def passed() -> bool:
            busy = connection.execute(
                "SELECT FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'active'", [pids]
            )
            return busy.rowcount == 0

        wait_until(passed, timeout_s=FINISH_S, what=lambda: "a transaction does not end")
