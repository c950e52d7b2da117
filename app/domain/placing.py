"""Events that the system itself makes get their place in history, behind the agents' of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from app.core.clock import rfc3339
from app.core.identifiers import uuid7
from app.domain.agent_fold import fold_rows
from app.domain.batch import Plan
from app.domain.event import SEVERITIES, Event, encode_event
from app.domain.partition import agent_key
from app.domain.row import Row
from app.domain.task import REFUSED, TYPES, Task, TaskEvent, TransitionRefused, fold

CALLING: Final = frozenset({"config.changed", "command.queued"})
"""What its agent is to be told of at once, by whichever process holds its socket."""


TaskName = tuple[UUID, str]


class Waiting(NamedTuple):
    """An event in the outbox. ``data`` is a JSON object."""

    project_id: UUID
    partition: int
    event_id: str
    agent_id: str
    type: str
    created_at: datetime
    task_id: str | None
    severity: int
    data: str
    task_version: int | None


class Refusal(msgspec.Struct):
    """The ``data`` of ``task.transition_refused``."""

    event_id: str
    type: str
    state: str | None
    detail: str


def place(made: Plan, outgoing: Iterable[Waiting]) -> Plan:
    """The plan with events of the outbox behind its own."""
    rows = []
    for waiting in outgoing:
        event = Event(
            id=waiting.event_id,
            type=waiting.type,
            agent_id=waiting.agent_id,
            time=waiting.created_at,
            task_id=waiting.task_id,
            trace_id=None,
            severity=SEVERITIES[waiting.severity],  # type: ignore[arg-type]
            data=msgspec.Raw(waiting.data.encode()),
        )
        rows.append(_row(made, waiting.project_id, event, waiting.task_version))
    return _behind(made, rows)


def take_reports(
    plans: Sequence[Plan],
    reports: Sequence[Sequence[Row]],
    tasks: Mapping[TaskName, Task],
) -> tuple[list[Plan], dict[TaskName, Task]]:
    """What agents report of tasks: the plans, and the tasks that changed as they are then.

    ``reports`` are each plan's rows that speak of a task, ``tasks`` those of them that exist. Rows
    that change a task get its new version. What a task's state does not allow stays in history all
    the same, and behind it goes a ``task.transition_refused``.
    """
    changed: dict[TaskName, Task] = {}
    told = []
    for made, rows in zip(plans, reports, strict=True):
        refusals = []
        for row in rows:
            name = task_of(row)
            known = changed.get(name) or tasks.get(name)
            try:
                task = fold(known, _task_event(row))
            except (TransitionRefused, msgspec.ValidationError) as refused:
                refusals.append(_refusal(made, row, known, str(refused)))
                continue
            changed[name] = task
            row.task_version = task.version
        told.append(_behind(made, refusals))
    return told, changed


def reports_of(made: Plan) -> list[Row]:
    """The rows of agents that speak of a task."""
    return [
        row
        for row in made.rows
        if row.event.type.startswith("task.")
        and row.event.type in TYPES
        and row.event.task_id is not None
    ]


def task_of(row: Row) -> TaskName:
    """The task that a row speaks of."""
    return row.project_id, row.event.task_id or ""


def _task_event(row: Row) -> TaskEvent:
    event = row.event
    return TaskEvent(event.type, event.task_id or "", event.agent_id, row.received_at, event.data)


def _refusal(made: Plan, row: Row, known: Task | None, detail: str) -> Row:
    event = row.event
    state = known.state.value if known is not None else None
    refusal = Event(
        id=str(uuid7()),
        type=REFUSED,
        agent_id=event.agent_id,
        time=row.received_at,
        task_id=event.task_id,
        trace_id=event.trace_id,
        severity="warning",
        data=msgspec.Raw(msgspec.json.encode(Refusal(event.id, event.type, state, detail))),
    )
    return _row(made, row.project_id, refusal, None)


def _row(made: Plan, project_id: UUID, event: Event, task_version: int | None) -> Row:
    return Row(
        project=str(project_id),
        project_id=project_id,
        partition=made.state.partition,
        offset=0,
        event=event,
        record=encode_event(event),
        received_at=event.time,
        received_text=rfc3339(event.time),
        task_version=task_version,
    )


def _behind(made: Plan, rows: Sequence[Row]) -> Plan:
    """The plan with these rows at its end. The books take them as accepted and stored at once."""
    if not rows:
        return made
    state = made.state
    folds = {agent_key(str(f.project_id), f.agent_id): f for f in made.agents}
    called = list(made.called)
    for offset, row in enumerate(rows, start=state.head + 1):
        row.offset = offset
        key = agent_key(row.project, row.event.agent_id)
        folds[key] = fold_rows(folds.get(key), [row], alive=False)
        if row.event.type in CALLING:
            called.append(key)
    return replace(
        made,
        state=replace(
            state,
            head=state.head + len(rows),
            stored=state.stored + len(rows),
            accepted_before=state.accepted_before + len(rows),
        ),
        rows=[*made.rows, *rows],
        agents=list(folds.values()),
        called=called,
    )
