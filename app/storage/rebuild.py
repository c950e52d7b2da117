"""The rebuild of projections: all of history folded anew, beside the rows that stand.

All is read in one REPEATABLE READ transaction, so that rows and history are of the same moment
while events go on coming in. What is mended is only a row that has not moved on since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, cast
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection, Engine, Row, text

from app.domain.agent import AgentChange, fold
from app.domain.agent_state import AgentState, after, begin
from app.domain.event import Event
from app.domain.rebuilt import Difference, differing
from app.domain.task import Task, TaskEvent, decode_task
from app.domain.task import fold as fold_task
from app.storage import tasks
from app.storage.projections import DATA_OF_FOLDED, folded_event, state_of

FETCHED_AT_ONCE: Final = 5000
TOLD_EVERY: Final = 10_000

Name = tuple[str, str]
"""A project's id, as text, and that of an agent or a task."""

Progress = Callable[[int], None]
"""Told how many more events were folded."""


@dataclass(slots=True)
class Rebuilt:
    """What was compared. ``without_beginning`` counts the rows that history no longer explains:
    retention dropped their first events before anything was kept of them.
    """

    agents: int = 0
    tasks: int = 0
    without_beginning: int = 0
    differences: list[Difference] = field(default_factory=list)


def events_stored(engine: Engine) -> int:
    """About how many events there are to fold."""
    with engine.connect() as connection:
        return int(
            connection.execute(text("SELECT sum(head - lost_through) FROM partitions")).scalar()
            or 0
        )


def rebuild(engine: Engine, progress: Progress) -> Rebuilt:
    """Fold all of history and compare it with the rows. Nothing is written."""
    rebuilt = Rebuilt()
    with _one_moment(engine) as connection:
        _compare_agents(connection, rebuilt, progress)
        _compare_tasks(connection, rebuilt)
    return rebuilt


def mend(engine: Engine, differences: list[Difference]) -> int:
    """Write what history says into rows that differ; returns how many were still as they were."""
    mended = 0
    for found in differences:
        with engine.begin() as connection:
            if isinstance(found.history, Task):
                row = tasks.find(connection, found.project_id, found.name, for_update=True)
                if (0 if row is None else row.version) == found.position:
                    tasks.save(connection, found.project_id, found.history)
                    mended += 1
            else:
                mended += _mend_agent(connection, found)
    return mended


def _mend_agent(connection: Connection, found: Difference) -> int:
    values = msgspec.structs.asdict(found.history)
    if found.row is None:
        names = ", ".join(values)
        return connection.execute(
            text(
                "INSERT INTO agents (project_id, agent_id, liveness, last_offset, as_of,"
                f" last_seen_at, {names}) VALUES (:project, :agent, 'lost', :position, now(),"
                f" coalesce(:last_event_at, now()), {', '.join(f':{name}' for name in values)})"
                " ON CONFLICT DO NOTHING"
            ),
            {**_named(found), **values},
        ).rowcount
    sets = ", ".join(f"{name} = :{name}" for name in values if name not in {"role", "name"})
    return connection.execute(
        text(
            f"UPDATE agents SET {sets} WHERE project_id = :project AND agent_id = :agent"
            " AND last_offset = :position"
        ),
        {**_named(found), **values},
    ).rowcount


def _named(found: Difference) -> dict[str, Any]:
    return {"project": found.project_id, "agent": found.name, "position": found.position}


@contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        connection = opened.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            # It may take as long as it takes.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            yield connection


def _compare_agents(connection: Connection, rebuilt: Rebuilt, progress: Progress) -> None:
    bases = dict(_agent_bases(connection))
    states = {name: state for name, (_, state) in bases.items()}
    offsets = {name: position for name, (position, _) in bases.items()}
    changes: dict[Name, AgentChange] = {}
    for project, offset, event in _all_events(connection, progress):
        name = (project, event.agent_id)
        if name in bases and offset <= bases[name][0]:
            continue
        change = changes.get(name)
        if change is None:
            change = changes[name] = begin(event)
        fold(change, [event])
        offsets[name] = offset
    for name, change in changes.items():
        states[name] = after(states.get(name, AgentState()), change)
    something_lost = _something_lost(connection)
    for name, position, row in _agent_rows(connection):
        rebuilt.agents += 1
        history = states.pop(name, AgentState())
        if not any(differing(row, history)):
            continue
        if something_lost and name not in bases:
            rebuilt.without_beginning += 1
            continue
        rebuilt.differences.append(_of_agent(name, position, row, history))
    for name, history in sorted(states.items()):
        rebuilt.differences.append(_of_agent(name, offsets[name], None, history))


def _of_agent(name: Name, position: int, row: AgentState | None, history: AgentState) -> Difference:
    return Difference("agent", UUID(name[0]), name[1], position, row, history)


def _compare_tasks(connection: Connection, rebuilt: Rebuilt) -> None:
    rows = {(str(project), task.task_id): task for project, task in tasks.everything(connection)}
    histories = dict(_task_histories(connection, dict(_task_bases(connection))))
    something_lost = _something_lost(connection)
    rebuilt.tasks = len(rows)
    for name in sorted(rows.keys() | histories.keys()):
        row, history = rows.get(name), histories.get(name)
        if history is None or (row is not None and not any(differing(row, history))):
            rebuilt.without_beginning += history is None
            continue
        if something_lost and row is not None and history.version < row.version:
            rebuilt.without_beginning += 1
            continue
        position = 0 if row is None else row.version
        rebuilt.differences.append(
            Difference("task", UUID(name[0]), name[1], position, row, history)
        )


def _something_lost(connection: Connection) -> bool:
    return any(connection.execute(text("SELECT lost_through FROM partitions")).scalars())


def _agent_bases(connection: Connection) -> Iterator[tuple[Name, tuple[int, AgentState]]]:
    """Where to begin with each agent if not at the start: what was kept when some was dropped."""
    found = connection.execute(
        text(
            "SELECT DISTINCT ON (project_id, id) project_id::text, id, position,"
            " state::text AS state"
            " FROM projection_snapshots WHERE kind = 'agent'"
            " AND EXISTS (SELECT 1 FROM partitions WHERE lost_through > 0)"
            " ORDER BY project_id, id, position DESC"
        )
    )
    for row in found:
        state = msgspec.json.decode(row.state.encode(), type=AgentState)
        yield (row.project_id, row.id), (row.position, state)


def _all_events(connection: Connection, progress: Progress) -> Iterator[tuple[str, int, Event]]:
    """Every event, each partition in its order; of most only what a fold looks at.

    By the driver's own cursor: at a million events rows with names cost more than the fold.
    """
    driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    with driver.cursor("history") as cursor:
        cursor.itersize = FETCHED_AT_ONCE
        cursor.execute(
            'SELECT project_id::text, "offset", type, agent_id, occurred_at, task_id, severity,'
            f' {DATA_OF_FOLDED} FROM events ORDER BY partition, "offset"'
        )
        for number, row in enumerate(cursor, start=1):
            project, offset, *columns = row
            yield project, offset, folded_event(*columns)
            if number % TOLD_EVERY == 0:
                progress(TOLD_EVERY)


def _agent_rows(connection: Connection) -> Iterator[tuple[Name, int, AgentState]]:
    found = connection.execute(
        text(
            f"SELECT project_id::text, agent_id, last_offset, {state_of('agents')}::text AS state"
            " FROM agents"
        )
    )
    for row in found:
        state = msgspec.json.decode(row.state.encode(), type=AgentState)
        yield (row.project_id, row.agent_id), row.last_offset, state


def _task_bases(connection: Connection) -> Iterator[tuple[Name, Task]]:
    found = connection.execute(
        text(
            "SELECT DISTINCT ON (project_id, id) project_id::text, id, state::text AS state"
            " FROM projection_snapshots WHERE kind = 'task'"
            " AND EXISTS (SELECT 1 FROM partitions WHERE lost_through > 0)"
            " ORDER BY project_id, id, position DESC"
        )
    )
    for row in found:
        yield (row.project_id, row.id), decode_task(row.state.encode())


def _task_histories(connection: Connection, bases: dict[Name, Task]) -> Iterator[tuple[Name, Task]]:
    """What history makes of each task, and of the changes that wait in the outbox."""
    columns = "project_id::text, task_id, type, agent_id, data::text AS data, task_version"
    found = connection.execute(
        text(
            f"SELECT {columns}, received_at AS at FROM events WHERE task_version IS NOT NULL"
            f" UNION ALL SELECT {columns}, created_at FROM outbox WHERE task_version IS NOT NULL"
            " ORDER BY project_id, task_id, task_version"
        )
    )
    seen = set()
    for name, rows in groupby(found, key=lambda row: (row.project_id, row.task_id)):
        seen.add(name)
        task = _folded(bases.get(name), rows)
        if task is not None:
            yield name, task
    yield from ((name, task) for name, task in bases.items() if name not in seen)


def _folded(task: Task | None, rows: Iterator[Row[Any]]) -> Task | None:
    for row in rows:
        if row.task_version <= (0 if task is None else task.version):
            continue
        if row.task_version != (0 if task is None else task.version) + 1:
            # Retention has dropped what came before.
            return None
        event = TaskEvent(row.type, row.task_id, row.agent_id, row.at, row.data.encode())
        task = fold_task(task, event)
    return task
