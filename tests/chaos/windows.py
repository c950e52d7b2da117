"""Moments that chance would seldom hit: a transaction held before its commit, or in it.

Triggers on the rows of partitions and commands wait for an advisory lock. While nobody holds it
they cost nothing; while a test holds it, the transaction of a worker or a web process stands still
exactly there.
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
CREATE TRIGGER chaos_ordered AFTER INSERT ON commands
    FOR EACH STATEMENT EXECUTE FUNCTION chaos_window(7003);
CREATE CONSTRAINT TRIGGER chaos_order_commit AFTER INSERT ON commands
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_window(7004);
CREATE CONSTRAINT TRIGGER chaos_step_commit AFTER UPDATE ON commands
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_window(7005);
"""


class Window(IntEnum):
    """Where a transaction is to stand; the number is that of the lock."""

    MID_BATCH = 7001
    """A worker has written everything, and COMMIT is not yet sent."""
    COMMIT = 7002
    """A worker's COMMIT is sent and under way."""
    ORDERED = 7003
    """A web process has written a command; its event and its answer are not, nor is COMMIT sent."""
    ORDER_COMMIT = 7004
    """The COMMIT of a command, its event and its answer is under way."""
    STEP_COMMIT = 7005
    """The COMMIT of what became of a command is under way."""


def install(database_url: str) -> None:
    """Make the triggers, once a database."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(TRIGGERS)


@contextmanager
def held(database_url: str, window: Window) -> Iterator[list[int]]:
    """Inside the block a transaction stands in the window. It goes on when the block ends.

    Yields the server processes that wait there, for ``wait_until_passed``.

    Raises:
        PartFailed: none came there.
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
            what=lambda: f"nobody came to {window.name}",
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
