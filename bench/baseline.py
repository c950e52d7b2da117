"""What PostgreSQL alone does with the same rows: bare ``INSERT … SELECT unnest(arrays)``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from app.core.identifiers import uuid7

BATCH = 500
BATCHES = 60
_TYPES = (
    *("uuid", "int2", "int8", "text", "text", "text"),
    *("timestamptz", "timestamptz", "text", "text", "int2", "json"),
)
_INSERT = (
    'INSERT INTO events (project_id, partition, "offset", event_id, agent_id, type, occurred_at,'
    " received_at, task_id, trace_id, severity, data) SELECT * FROM unnest("
    + ", ".join(f"%s::{name}[]" for name in _TYPES)
    + ") ON CONFLICT DO NOTHING"
)


def rows_per_second(database_url: str) -> float:
    """Insert 30,000 rows like those of the pipeline's run into the same table; take them out."""
    project = uuid4()
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        batches = [_arrays(project, number) for number in range(BATCHES)]
        started = time.perf_counter()
        for arrays in batches:
            with connection.transaction():
                connection.execute(_INSERT, arrays)
        seconds = time.perf_counter() - started
        connection.execute("DELETE FROM events WHERE project_id = %s", (project,))
    return BATCH * BATCHES / seconds


def _arrays(project: Any, number: int) -> list[str]:
    """The columns as array literals, made beforehand: only PostgreSQL's work is measured."""
    now = datetime.now(UTC).isoformat()
    columns: list[list[str]] = [[] for _ in _TYPES]
    for index in range(BATCH):
        data = (
            f'{{"tool":"search","query":"how does a partition log work","n":{index},'
            f'"sent_ns":{time.time_ns()}}}'
        )
        row = (
            *(str(project), str(index % 8), str(number * BATCH + index), str(uuid7())),
            *(f"agent-{index % 100}", "tool.called", now, now, f"task-{index % 50}"),
            *(None, "1", data),
        )
        for column, value in zip(columns, row, strict=True):
            column.append("NULL" if value is None else '"%s"' % value.replace('"', '\\"'))  # noqa: UP031
    return ["{%s}" % ",".join(column) for column in columns]  # noqa: UP031
