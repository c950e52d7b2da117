"""The outbox: the events of changes, written in the change's transaction, taken by the drain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection, text

from app.core.identifiers import uuid7
from app.domain.event import SEVERITIES
from app.domain.placing import Waiting
from app.storage.writes import Writer

TAKEN_AT_ONCE: Final = 500


class Outgoing(NamedTuple):
    """An event on its way into history. ``data`` is a JSON object."""

    partition: int
    agent_id: str
    type: str
    at: datetime
    data: bytes
    task_id: str | None = None
    task_version: int | None = None
    severity: str = "info"


_PUT: Final = text(
    "INSERT INTO outbox (project_id, partition, event_id, agent_id, type, created_at, task_id,"
    " severity, data, task_version) SELECT :project, partition, event_id, agent_id, type, at,"
    " task_id, severity, data, task_version FROM json_to_recordset(:events) AS event ("
    " partition smallint, event_id text, agent_id text, type text, at timestamptz, task_id text,"
    " severity smallint, data json, task_version bigint)"
)

_encode = msgspec.json.Encoder().encode


def put(writer: Writer, project_id: UUID, events: Iterable[Outgoing]) -> None:
    """Write events in the transaction of the change that they tell of."""
    rows = [
        {
            **event._asdict(),
            "event_id": str(uuid7()),
            "data": msgspec.Raw(event.data),
            "severity": SEVERITIES.index(event.severity),
        }
        for event in events
    ]
    if rows:
        writer.execute(_PUT, {"project": project_id, "events": _encode(rows).decode()})


def take(cursor: psycopg.Cursor[Any], partitions: Sequence[int]) -> list[Waiting]:
    """Take the oldest events of these partitions, in order; gone when the transaction commits."""
    cursor.execute(
        "WITH oldest AS (SELECT outbox_id FROM outbox WHERE partition = ANY(%s)"
        " ORDER BY outbox_id LIMIT %s),"
        " taken AS (DELETE FROM outbox USING oldest WHERE outbox.outbox_id = oldest.outbox_id"
        " RETURNING outbox.*)"
        " SELECT project_id, partition, event_id, agent_id, type, created_at, task_id, severity,"
        " data::text, task_version FROM taken ORDER BY outbox_id",
        (list(partitions), TAKEN_AT_ONCE),
    )
    return [Waiting(*row) for row in cursor.fetchall()]


def counts(connection: Connection) -> dict[int, int]:
    """How many events wait in each partition that has some."""
    found = connection.execute(text("SELECT partition, count(*) FROM outbox GROUP BY partition"))
    return {row[0]: row[1] for row in found}
