"""Dead letters: what failed for good, with what is needed to understand it and send it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from app.core.identifiers import uuid7


def bury_event(
    cursor: psycopg.Cursor[Any], project_id: UUID, partition: int, record: bytes, error: str
) -> None:
    """An event that PostgreSQL refuses: the record as it stood in the log, and the refusal."""
    cursor.execute(
        "INSERT INTO dead_letters (dead_letter_id, kind, project_id, partition, payload, error)"
        " VALUES (%s, 'event', %s, %s, %s, %s)",
        (uuid7(), project_id, partition, record, error[:10_000]),
    )
