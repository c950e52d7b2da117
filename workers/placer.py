"""What a drain adds to what it read: the outbox's events, and what agents report of tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from app.domain.batch import Plan
from app.domain.placing import TaskName, Waiting, place, reports_of, take_reports, task_of
from app.domain.task import Task
from app.eventlog.log import Chunk
from app.storage import outbox, tasks


@dataclass(frozen=True, slots=True)
class Placed:
    """The whole of what one transaction writes."""

    plans: list[Plan]
    tasks: dict[TaskName, Task]
    """The tasks that changed, as they are then."""
    more: list[int]
    """Partitions whose outbox may hold more than was taken."""


def place_all(
    cursor: psycopg.Cursor[Any], plans: Sequence[Plan], chunks: Mapping[int, Sequence[Chunk]]
) -> Placed:
    """Take what waits in the outboxes that were poked for, and fold what agents say of tasks.

    Tasks are locked until the transaction ends, all at once and in order, so that two drains never
    wait for each other.
    """
    poked = [
        made.state.partition
        for made in plans
        if any(chunk.is_poke for chunk in chunks[made.state.partition])
    ]
    waiting: dict[int, list[Waiting]] = {}
    if poked:
        for found in outbox.take(cursor, poked):
            waiting.setdefault(found.partition, []).append(found)
    told, changed = list(plans), dict[TaskName, Task]()
    reports = [reports_of(made) for made in plans]
    if any(reports):
        known = tasks.lock_all(cursor, {task_of(row) for rows in reports for row in rows})
        told, changed = take_reports(plans, reports, known)
    full = sum(map(len, waiting.values())) >= outbox.TAKEN_AT_ONCE
    return Placed(
        [place(made, waiting.get(made.state.partition, ())) for made in told],
        changed,
        poked if full else [],
    )
