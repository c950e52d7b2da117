"""Tasks: their rows, for REST one at a time, for the drain many at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from sqlalchemy import Connection, Row, text

from app.domain.subscription import Filter
from app.domain.task import Task, TaskState
from app.storage.writes import Writer

_NAMES: Final = (
    *("task_id", "version", "state", "title", "agent_id", "created_by", "parent_id", "input"),
    *("deadline_at", "progress", "note", "result", "error", "created_at", "updated_at"),
    "finished_at",
)
_JSON: Final = frozenset({"input", "result", "error"})
# As text: what the sender wrote is passed on, not decoded and encoded again.
_COLUMNS: Final = ", ".join(f"{name}::text" if name in _JSON else name for name in _NAMES)
_encode = msgspec.json.Encoder().encode

_SAVE: Final = """
INSERT INTO tasks AS known (project_id, {names})
SELECT project_id, {names}
FROM json_to_recordset(%(rows)s) AS new (project_id uuid, task_id text, version bigint, state text,
    title text, agent_id text, created_by text, parent_id text, input json, deadline_at timestamptz,
    progress double precision, note text, result json, error json, created_at timestamptz,
    updated_at timestamptz, finished_at timestamptz)
ON CONFLICT (project_id, task_id) DO UPDATE SET {sets}
""".format(
    names=", ".join(_NAMES),
    sets=", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "task_id"),
)
_SAVE_ONE: Final = text(_SAVE.replace("%(rows)s", ":rows"))

MAX_TREE: Final = 1000
MAX_DEPTH: Final = 64


class Branch(msgspec.Struct):
    """A task in its tree, with how deep it lies below the root."""

    depth: int
    task: Task


def _task(row: Sequence[Any] | Row[Any]) -> Task:
    values = dict(zip(_NAMES, row, strict=True))
    for name in _JSON:
        if values[name] is not None:
            values[name] = msgspec.Raw(values[name].encode())
    values["state"] = TaskState(values["state"])
    return Task(**values)


def find(
    connection: Connection, project_id: UUID, task_id: str, *, for_update: bool = False
) -> Task | None:
    """A task; with ``for_update`` nobody else changes it until the transaction ends."""
    lock = " FOR UPDATE" if for_update else ""
    row = connection.execute(
        text(f"SELECT {_COLUMNS} FROM tasks WHERE project_id = :project AND task_id = :task{lock}"),
        {"project": project_id, "task": task_id},
    ).first()
    return None if row is None else _task(row)


def save(writer: Writer, project_id: UUID, task: Task) -> None:
    """Write a task as it is now."""
    writer.execute(_SAVE_ONE, {"rows": _rows([(project_id, task)])})


def save_all(cursor: psycopg.Cursor[Any], changed: Iterable[tuple[UUID, Task]]) -> None:
    """Write many tasks."""
    rows = _rows(changed)
    if rows != "[]":
        cursor.execute(_SAVE, {"rows": rows})


def _rows(changed: Iterable[tuple[UUID, Task]]) -> str:
    return _encode(
        [{"project_id": project, **msgspec.structs.asdict(task)} for project, task in changed]
    ).decode()


def lock_all(
    cursor: psycopg.Cursor[Any], wanted: Iterable[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Task]:
    """The tasks with these names that exist, locked until the transaction ends, always in order."""
    names = sorted(set(wanted))
    cursor.execute(
        f"SELECT project_id, {_COLUMNS} FROM tasks WHERE (project_id, task_id) IN"
        " (SELECT * FROM unnest(%s::uuid[], %s::text[])) ORDER BY project_id, task_id FOR UPDATE",
        ([project for project, _ in names], [task_id for _, task_id in names]),
    )
    return {(row[0], row[1]): _task(row[1:]) for row in cursor.fetchall()}


def page(
    connection: Connection,
    project_id: UUID,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
    states: Sequence[str] = (),
    agent_id: str | None = None,
    parent_id: str | None = None,
    created_by: str | None = None,
    text_wanted: str = "",
) -> list[Task]:
    """Tasks, newest first, before a place if one is given."""
    wanted = {
        "project": project_id,
        "limit": limit,
        "at": before and before[0],
        "task": before and before[1],
        "states": list(states) or None,
        "agent": agent_id,
        "parent": parent_id,
        "creator": created_by,
        "text": text_wanted or None,
    }
    conditions = ["project_id = :project"]
    for name, condition in (
        ("at", "(created_at, task_id) < (:at, :task)"),
        ("states", "state = ANY(:states)"),
        ("agent", "agent_id = :agent"),
        ("parent", "parent_id = :parent"),
        ("creator", "created_by = :creator"),
        ("text", "strpos(lower(coalesce(title, '') || ' ' || task_id), lower(:text)) > 0"),
    ):
        if wanted[name] is not None:
            conditions.append(condition)
    found = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM tasks WHERE {' AND '.join(conditions)}"
            " ORDER BY created_at DESC, task_id DESC LIMIT :limit"
        ),
        wanted,
    )
    return [_task(row) for row in found]


def newest(connection: Connection, project_id: UUID, wanted: Filter, *, limit: int) -> list[Task]:
    """The tasks that a dashboard looks at, newest first: of the filter's agents, by its ids."""
    conditions = ["project_id = :project"]
    for name, column in (("agents", "agent_id"), ("tasks", "task_id")):
        if getattr(wanted, f"{name[:-1]}_ids"):
            conditions.append(f"{column} = ANY(:{name})")
    found = connection.execute(
        text(
            f"SELECT {_COLUMNS} FROM tasks WHERE {' AND '.join(conditions)}"
            " ORDER BY created_at DESC, task_id DESC LIMIT :limit"
        ),
        {
            "project": project_id,
            "agents": sorted(wanted.agent_ids),
            "tasks": sorted(wanted.task_ids),
            "limit": limit,
        },
    )
    return [_task(row) for row in found]


def tree(connection: Connection, project_id: UUID, task_id: str) -> list[Branch]:
    """A task and all below it, parents before children; at most 1,000 tasks, 64 levels deep.

    Agents may report any parent: what would go in a circle is left out where it closes.
    """
    names = ", ".join(f"tasks.{name}" for name in _NAMES)
    found = connection.execute(
        text(
            "WITH RECURSIVE branch AS ("
            f" SELECT 0 AS depth, ARRAY[task_id] AS path, {names} FROM tasks"
            " WHERE project_id = :project AND task_id = :task UNION ALL"
            f" SELECT depth + 1, path || tasks.task_id, {names} FROM branch"
            " JOIN tasks ON tasks.project_id = :project AND tasks.parent_id = branch.task_id"
            " WHERE tasks.task_id <> ALL(path) AND depth < :deepest)"
            f" SELECT depth, {_COLUMNS} FROM branch ORDER BY depth, created_at, task_id"
            " LIMIT :most"
        ),
        {"project": project_id, "task": task_id, "deepest": MAX_DEPTH, "most": MAX_TREE},
    )
    return [Branch(row[0], _task(row[1:])) for row in found]


def hold_tree(connection: Connection, project_id: UUID) -> None:
    """Let nobody else change who lies below whom in this project until the transaction ends."""
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"{project_id} tasks"},
    )


def is_below(connection: Connection, project_id: UUID, task_id: str, root_id: str) -> bool:
    """Whether a task is another one or lies below it: as its parent, it would close a circle."""
    return bool(
        connection.execute(
            text(
                "WITH RECURSIVE above AS ("
                " SELECT task_id, parent_id, ARRAY[task_id] AS path FROM tasks"
                " WHERE project_id = :project AND task_id = :task UNION ALL"
                " SELECT tasks.task_id, tasks.parent_id, path || tasks.task_id FROM above"
                " JOIN tasks ON tasks.project_id = :project AND tasks.task_id = above.parent_id"
                " WHERE tasks.task_id <> ALL(path))"
                " SELECT EXISTS (SELECT 1 FROM above WHERE task_id = :root)"
            ),
            {"project": project_id, "task": task_id, "root": root_id},
        ).scalar()
    )


def everything(connection: Connection) -> Iterator[tuple[UUID, Task]]:
    """All tasks of all projects, for the rebuild."""
    found = connection.execute(text(f"SELECT project_id, {_COLUMNS} FROM tasks"))
    return ((row[0], _task(row[1:])) for row in found)


def overdue(connection: Connection, limit: int) -> list[tuple[UUID, Task]]:
    """Open tasks whose deadline has passed, locked; those that others are at are left out."""
    found = connection.execute(
        text(
            f"SELECT project_id, {_COLUMNS} FROM tasks WHERE deadline_at < now()"
            " AND finished_at IS NULL ORDER BY deadline_at LIMIT :limit FOR UPDATE SKIP LOCKED"
        ),
        {"limit": limit},
    )
    return [(row[0], _task(row[1:])) for row in found]
