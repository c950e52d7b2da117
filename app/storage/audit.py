"""The audit log: who changed what, written in the transaction of the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

from app.storage.writes import Writer

PRUNED_AT_ONCE: Final = 10_000


class AuditEntry(msgspec.Struct):
    """One change. ``subject`` is ``key:<id>``, ``user:<id>`` or ``command line``."""

    audit_id: int
    at: datetime
    subject: str
    action: str
    resource: str
    resource_id: str
    version: int | None
    detail: dict[str, Any] | None


_RECORD: Final = text(
    "INSERT INTO audit_log (project_id, subject, action, resource, resource_id, version, detail)"
    " VALUES (:project, :subject, :action, :resource, :resource_id, :version, :detail)"
)


def record(
    writer: Writer,
    project_id: UUID,
    *,
    subject: str,
    action: str,
    resource: str,
    resource_id: str,
    version: int | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Record a change."""
    writer.execute(
        _RECORD,
        {
            "project": project_id,
            "subject": subject,
            "action": action,
            "resource": resource,
            "resource_id": resource_id,
            "version": version,
            "detail": None if detail is None else msgspec.json.encode(detail).decode(),
        },
    )


def page(
    connection: Connection,
    project_id: UUID,
    *,
    limit: int,
    before: int | None = None,
    subject: str | None = None,
    resource: str | None = None,
    resource_id: str | None = None,
) -> list[AuditEntry]:
    """Entries, newest first, before an id if one is given."""
    wanted = {
        "project": project_id,
        "limit": limit,
        "before": before,
        "subject": subject,
        "resource": resource,
        "resource_id": resource_id,
    }
    conditions = ["project_id = :project"]
    if before is not None:
        conditions.append("audit_id < :before")
    conditions += [
        f"{name} = :{name}"
        for name in ("subject", "resource", "resource_id")
        if wanted[name] is not None
    ]
    found = connection.execute(
        text(
            "SELECT audit_id, at, subject, action, resource, resource_id, version, detail"
            f" FROM audit_log WHERE {' AND '.join(conditions)} ORDER BY audit_id DESC LIMIT :limit"
        ),
        wanted,
    )
    return [AuditEntry(*row) for row in found]


def prune(connection: Connection, older_than: datetime) -> int:
    """Forget the oldest entries that are so old; how many, at most ``PRUNED_AT_ONCE``."""
    return connection.execute(
        text(
            "DELETE FROM audit_log WHERE at < :before AND audit_id IN"
            " (SELECT audit_id FROM audit_log ORDER BY audit_id LIMIT :most)"
        ),
        {"before": older_than, "most": PRUNED_AT_ONCE},
    ).rowcount
