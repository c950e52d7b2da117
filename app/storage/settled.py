"""Whether events have reached their end: a row of their own, or a dead letter."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text


def all_settled(connection: Connection, project_id: UUID, ids: Iterable[str]) -> bool:
    """Whether each of these events is stored, or was refused by PostgreSQL and kept as dead."""
    missing = connection.execute(
        text(
            "SELECT id FROM unnest(CAST(:ids AS text[])) AS id WHERE NOT EXISTS"
            " (SELECT FROM events WHERE project_id = :project AND event_id = id)"
        ),
        {"ids": list(ids), "project": project_id},
    ).scalars()
    # A record begins with its id. What was refused may be no JSON to PostgreSQL.
    beginnings = [b'{"id":' + msgspec.json.encode(event_id) + b"," for event_id in missing]
    if not beginnings:
        return True
    dead = connection.execute(
        text(
            "SELECT count(DISTINCT start) FROM unnest(CAST(:beginnings AS bytea[])) AS start"
            " JOIN dead_letters ON substring(payload FOR octet_length(start)) = start"
            " WHERE kind = 'event' AND project_id = :project"
        ),
        {"beginnings": beginnings, "project": project_id},
    ).scalar_one()
    return int(dead) == len(set(beginnings))
