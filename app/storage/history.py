"""History out of PostgreSQL: pages for people, catch-up for dashboards, refill for the hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.domain.cursor import Cursor
from app.domain.event import SEVERITIES, StoredEvent
from app.domain.subscription import Filter, lower_case
from app.storage.events import SEVERITY_NUMBER

_COLUMNS: Final = (
    "event_id, type, agent_id, occurred_at, task_id, trace_id, severity, data::text, partition,"
    ' "offset", received_at'
)


def between(
    connection: Connection, partition: int, first: int, last: int, limit: int
) -> list[tuple[UUID, StoredEvent]]:
    """At most ``limit`` events of a partition, ``first..last``, in order, with their projects."""
    found = connection.execute(
        text(
            f"SELECT project_id, {_COLUMNS} FROM events WHERE partition = :partition"
            ' AND "offset" BETWEEN :first AND :last ORDER BY "offset" LIMIT :limit'
        ),
        {"partition": partition, "first": first, "last": last, "limit": limit},
    )
    return [(row[0], _stored(row[1:])) for row in found]


def forward(
    connection: Connection,
    project_id: UUID,
    wanted: Filter,
    after: Cursor,
    until: Cursor,
    limit: int,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
) -> tuple[list[StoredEvent], Cursor]:
    """The next matching events between two cursors, oldest first, at most ``limit``.

    Each partition is read in its own order, and the partitions are merged by the time of receipt.
    Returns the events and the cursor behind them; that cursor equals ``until`` when no more match.
    """
    conditions, values = _conditions(project_id, wanted, since, before)
    found: list[StoredEvent] = []
    exhausted = True
    for partition, (low, high) in enumerate(zip(after.offsets, until.offsets, strict=True)):
        if low >= high:
            continue
        share = _share(connection, conditions, values, partition, low, high, limit + 1)
        exhausted = exhausted and len(share) <= limit
        found += share
    found.sort(key=lambda event: (event.received_at, event.partition, event.offset))
    # Within a partition, receipt times may step back when two gateways' clocks differ.
    page = _in_partition_order(found)[:limit]
    if exhausted and len(found) <= limit:
        return page, until
    return page, after.after((event.partition, event.offset) for event in page)


def sweep(
    connection: Connection,
    project_id: UUID,
    wanted: Filter,
    after: Cursor,
    until: Cursor,
    limit: int,
) -> tuple[list[StoredEvent], Cursor]:
    """A page of catch-up: about ``limit`` matching events, in order per partition.

    Unlike ``forward`` each partition gives its share, so a page is only roughly in the order of
    receipt. Returns the events and the cursor behind them; it equals ``until`` at the end.
    """
    conditions, values = _conditions(project_id, wanted, None, None)
    offsets = list(after.offsets)
    waiting = [p for p, high in enumerate(until.offsets) if offsets[p] < high]
    share = max(1, limit // max(1, len(waiting)))
    found: list[StoredEvent] = []
    for partition in waiting:
        high = until.offsets[partition]
        events = _share(connection, conditions, values, partition, offsets[partition], high, share)
        offsets[partition] = events[-1].offset if len(events) == share else high
        found += events
    found.sort(key=lambda event: (event.received_at, event.partition, event.offset))
    return _in_partition_order(found), Cursor(after.epoch, tuple(offsets))


def newest(
    connection: Connection,
    project_id: UUID,
    wanted: Filter,
    until: Cursor,
    limit: int,
    *,
    since: datetime | None = None,
    before: datetime | None = None,
) -> tuple[list[StoredEvent], Cursor]:
    """The last matching events up to a cursor, newest first, at most ``limit``.

    Returns the events and the cursor just before them, from which the next older page continues.
    """
    conditions, values = _conditions(project_id, wanted, since, before)
    found: list[StoredEvent] = []
    for partition, high in enumerate(until.offsets):
        if high <= 0:
            continue
        found += (
            _stored(row)
            for row in connection.execute(
                text(
                    f"SELECT {_COLUMNS} FROM events WHERE partition = :partition"
                    f' AND "offset" <= :high AND {conditions} ORDER BY "offset" DESC LIMIT :limit'
                ),
                {**values, "partition": partition, "high": high, "limit": limit},
            )
        )
    found.sort(key=lambda event: (event.received_at, event.partition, event.offset))
    page = _in_partition_order(found)[-limit:] if limit else []
    offsets = list(until.offsets)
    taken = {event.partition for event in page}
    more = len(found) > len(page)
    for partition in range(len(offsets)):
        if partition in taken:
            offsets[partition] = (
                min(event.offset for event in page if event.partition == partition) - 1
            )
        elif not more:
            offsets[partition] = 0
    if len(found) < limit:
        offsets = [0] * len(offsets)
    return page[::-1], Cursor(until.epoch, tuple(offsets))


def one(connection: Connection, project_id: UUID, event_id: str) -> StoredEvent | None:
    """The event with this id, if the project has it."""
    row = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM events WHERE project_id = :project AND event_id = :event"
            ' ORDER BY "offset" LIMIT 1'
        ),
        {"project": project_id, "event": event_id},
    ).first()
    return None if row is None else _stored(row)


def _share(
    connection: Connection,
    conditions: str,
    values: dict[str, Any],
    partition: int,
    low: int,
    high: int,
    limit: int,
) -> list[StoredEvent]:
    """The first ``limit`` matching events of one partition behind ``low``, up to ``high``."""
    rows = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM events WHERE partition = :partition"
            f' AND "offset" > :low AND "offset" <= :high AND {conditions}'
            ' ORDER BY "offset" LIMIT :limit'
        ),
        {**values, "partition": partition, "low": low, "high": high, "limit": limit},
    )
    return [_stored(row) for row in rows]


def _conditions(
    project_id: UUID, wanted: Filter, since: datetime | None, before: datetime | None
) -> tuple[str, dict[str, Any]]:
    parts = ["project_id = :project"]
    values: dict[str, Any] = {"project": project_id}

    def among(column: str, name: str, choices: Iterable[Any]) -> None:
        chosen = sorted(choices)
        if chosen:
            parts.append(f"{column} = ANY(:{name})")
            values[name] = chosen

    among("agent_id", "agents", wanted.agent_ids)
    among("task_id", "tasks", wanted.task_ids)
    among("trace_id", "traces", wanted.trace_ids)
    among("severity", "severities", (SEVERITY_NUMBER[name] for name in wanted.severities))
    if wanted.types:
        values["types"] = sorted(wanted.exact_types())
        values["prefixes"] = [_like(prefix) + "%" for prefix in wanted.type_prefixes()]
        parts.append("(type = ANY(:types) OR type LIKE ANY(:prefixes))")
    if wanted.text:
        values["text"] = f"%{_like(lower_case(wanted.text))}%"
        parts.append(
            "(lower(type) LIKE :text OR lower(agent_id) LIKE :text OR lower(task_id) LIKE :text"
            " OR lower(data::text) LIKE :text)"
        )
    if since is not None:
        parts.append("occurred_at >= :since")
        values["since"] = since
    if before is not None:
        parts.append("occurred_at < :before")
        values["before"] = before
    return " AND ".join(parts), values


def _like(literal: str) -> str:
    return literal.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _stored(row: Sequence[Any]) -> StoredEvent:
    return StoredEvent(
        id=row[0],
        type=row[1],
        agent_id=row[2],
        time=row[3],
        task_id=row[4],
        trace_id=row[5],
        severity=SEVERITIES[row[6]],
        data=msgspec.Raw(row[7].encode()),
        partition=row[8],
        offset=row[9],
        received_at=row[10],
    )


def _in_partition_order(events: list[StoredEvent]) -> list[StoredEvent]:
    """Keep the places that the sort gave to each partition, but fill them in offset order."""
    queues: dict[int, list[StoredEvent]] = {}
    for event in events:
        queues.setdefault(event.partition, []).append(event)
    for queue in queues.values():
        queue.sort(key=lambda event: event.offset, reverse=True)
    return [queues[event.partition].pop() for event in events]
