"""The JSON Schema that a project's configurations must meet."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text


class StoredSchema(NamedTuple):
    """A schema as it was written."""

    version: int
    schema: bytes


def find(
    connection: Connection, project_id: UUID, *, for_update: bool = False
) -> StoredSchema | None:
    """A project's schema; with ``for_update`` nobody else changes it meanwhile."""
    lock = " FOR UPDATE" if for_update else ""
    row = connection.execute(
        text(f"SELECT version, schema::text FROM config_schemas WHERE project_id = :project{lock}"),
        {"project": project_id},
    ).first()
    return None if row is None else StoredSchema(row[0], row[1].encode())


def begin(connection: Connection, project_id: UUID, schema: bytes, subject: str) -> bool:
    """Give a project its first schema; False if somebody else has just done so."""
    made = connection.execute(
        text(
            "INSERT INTO config_schemas (project_id, schema, changed_by)"
            " VALUES (:project, :schema, :subject) ON CONFLICT DO NOTHING"
        ),
        {"project": project_id, "schema": schema.decode(), "subject": subject},
    )
    return bool(made.rowcount)


def replace(connection: Connection, project_id: UUID, schema: bytes, subject: str) -> int:
    """Change a schema; returns its new version."""
    changed = connection.execute(
        text(
            "UPDATE config_schemas SET schema = :schema, version = version + 1,"
            " changed_at = now(), changed_by = :subject WHERE project_id = :project"
            " RETURNING version"
        ),
        {"project": project_id, "schema": schema.decode(), "subject": subject},
    )
    return int(changed.scalar_one())


def delete(connection: Connection, project_id: UUID) -> None:
    """Let configurations be anything again."""
    connection.execute(
        text("DELETE FROM config_schemas WHERE project_id = :project"), {"project": project_id}
    )
