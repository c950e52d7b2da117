"""The partitions' rows: the lease, the position in the log, the head, and the books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import psycopg
from sqlalchemy import Connection, text

from app.core.identifiers import uuid7
from app.domain.batch import PartitionState

_COLUMNS: Final = (
    "partition, epoch, log_generation, log_position, log_drained, accepted_before, head,"
    " stored, duplicates, dead, log_duplicates"
)


def lock(cursor: psycopg.Cursor[Any], partitions: Iterable[int]) -> dict[int, PartitionState]:
    """Take the leases of these partitions until the transaction ends, except those that are taken.

    Nobody waits: a worker that has been stopped in mid-batch holds up its own partitions alone.
    """
    cursor.execute(
        f"SELECT {_COLUMNS} FROM partitions WHERE partition = ANY(%s)"
        " ORDER BY partition FOR UPDATE SKIP LOCKED",
        (sorted(partitions),),
    )
    return {row[0]: PartitionState(*row) for row in cursor.fetchall()}


def move(cursor: psycopg.Cursor[Any], states: Iterable[PartitionState]) -> None:
    """Write the new positions, heads and books of partitions."""
    cursor.execute(
        "UPDATE partitions SET log_generation = new.log_generation,"
        " log_position = new.log_position, log_drained = new.log_drained,"
        " accepted_before = new.accepted_before, head = new.head, stored = new.stored,"
        " duplicates = new.duplicates, dead = new.dead, log_duplicates = new.log_duplicates,"
        " drained_at = now()"
        " FROM json_to_recordset(%s) AS new (partition smallint, log_generation text,"
        " log_position text, log_drained bigint, accepted_before bigint, head bigint,"
        " stored bigint, duplicates bigint, dead bigint, log_duplicates bigint)"
        " WHERE partitions.partition = new.partition",
        (msgspec.json.encode(list(states)).decode(),),
    )


def keep_books(cursor: psycopg.Cursor[Any], states: Iterable[PartitionState]) -> None:
    """Write the books of partitions whose leases are held, and nothing else."""
    cursor.executemany(
        "UPDATE partitions SET accepted_before = %s, duplicates = %s, log_duplicates = %s"
        " WHERE partition = %s",
        [(s.accepted_before, s.duplicates, s.log_duplicates, s.partition) for s in states],
    )


def states(connection: Connection) -> list[PartitionState]:
    """All partitions as they are, by number."""
    found = connection.execute(text(f"SELECT {_COLUMNS} FROM partitions ORDER BY partition"))
    return [PartitionState(*row) for row in found]


def drained_at(connection: Connection) -> list[datetime]:
    """When each partition was drained last, by number."""
    found = connection.execute(text("SELECT drained_at FROM partitions ORDER BY partition"))
    return list(found.scalars())


def lost_through(connection: Connection) -> dict[int, int]:
    """The last offset of each partition that retention has dropped; 0 if it has dropped none."""
    found = connection.execute(text("SELECT partition, lost_through FROM partitions"))
    return {row[0]: row[1] for row in found}


def create(connection: Connection, count: int) -> int:
    """Make the rows if there are none; returns how many there are."""
    existing = connection.execute(text("SELECT count(*) FROM partitions")).scalar_one()
    if existing:
        return int(existing)
    connection.execute(
        text(
            "INSERT INTO partitions (partition, epoch)"
            " SELECT number, :epoch FROM generate_series(0, :last) AS number"
        ),
        {"epoch": uuid7().hex, "last": count - 1},
    )
    return count


def renew_epoch(connection: Connection) -> str:
    """Say that history has changed under its readers; every cursor given out before is void."""
    epoch = uuid7().hex
    connection.execute(text("UPDATE partitions SET epoch = :epoch"), {"epoch": epoch})
    return epoch


def renew_epoch_in(cursor: psycopg.Cursor[Any]) -> str:
    """The same in the drain's transaction, which holds some of the rows already."""
    epoch = uuid7().hex
    cursor.execute("UPDATE partitions SET epoch = %s", (epoch,))
    return epoch


def renew_epoch_if_behind(connection: Connection, epoch: str, seen: Sequence[int]) -> str | None:
    """A new epoch if a head lies behind one that was seen in this epoch; None if all is well.

    The rows are locked for the look: only a server that may write gives them, as they are now.
    """
    found = connection.execute(
        text("SELECT partition, epoch, head FROM partitions ORDER BY partition FOR UPDATE")
    ).all()
    if any(row.epoch == epoch and row.head < seen[row.partition] for row in found):
        return renew_epoch(connection)
    return None
