"""What a failover to a replica that lagged, or a restore from a backup, does to a partition."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, text

from app.domain.batch import PartitionState
from app.storage import partitions


def go_back(engine: Engine, past: PartitionState) -> None:
    """The partition is again as it was, and its later events are gone."""
    with engine.begin() as connection:
        connection.execute(
            text('DELETE FROM events WHERE partition = :partition AND "offset" > :head'),
            {"partition": past.partition, "head": past.head},
        )
        cursor: Any = connection.connection.cursor()
        partitions.move(cursor, [past])
        cursor.close()
