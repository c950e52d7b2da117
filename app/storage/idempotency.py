"""Idempotency keys: the first answer to a request, kept for whoever sends it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.storage.writes import Writer

KEPT_FOR: Final = timedelta(hours=24)
PRUNED_AT_ONCE: Final = 10_000


class Answer(NamedTuple):
    """What was answered, and a hash of what had been asked."""

    request_hash: bytes
    status: int
    headers: dict[str, str]
    body: bytes


_CLAIM: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
_FIND: Final = text(
    "SELECT request_hash, status, headers, body FROM idempotency_keys"
    " WHERE project_id = :project AND path = :path AND key = :key AND created_at > now() - :kept"
)
_KEEP: Final = text(
    "INSERT INTO idempotency_keys (project_id, path, key, request_hash, status, headers, body)"
    " VALUES (:project, :path, :key, :hash, :status, :headers, :body)"
    " ON CONFLICT (project_id, path, key) DO UPDATE SET request_hash = excluded.request_hash,"
    " status = excluded.status, headers = excluded.headers, body = excluded.body,"
    " created_at = now()"
)

# Who holds no claim has no status, and whoever comes second finds the first one's row: either fails
# the whole transaction.
_KEEP_FIRST: Final = text(
    "INSERT INTO idempotency_keys (project_id, path, key, request_hash, status, headers, body)"
    " VALUES (:project, :path, :key, :hash,"
    " CASE WHEN pg_try_advisory_xact_lock(hashtextextended(:name, 0))"
    " THEN CAST(:status AS smallint) END, :headers, :body)"
)


def claim(connection: Connection, project_id: UUID, path: str, key: str) -> bool:
    """Claim a key until the transaction ends; False if another transaction is at it now."""
    claimed = connection.execute(_CLAIM, {"name": _name(project_id, path, key)})
    return bool(claimed.scalar())


def find(connection: Connection, project_id: UUID, path: str, key: str) -> Answer | None:
    """The answer that was given to this key within the last day. Asked once the key is claimed, in
    a statement of its own: the claim's would not see what was kept while it waited.
    """
    row = connection.execute(
        _FIND, {"project": project_id, "path": path, "key": key, "kept": KEPT_FOR}
    ).first()
    return None if row is None else Answer(*row)


def keep(writer: Writer, project_id: UUID, path: str, key: str, answer: Answer) -> None:
    """Keep an answer; an older one of the same key is past its day."""
    writer.execute(_KEEP, _values(project_id, path, key, answer))


def keep_first(writer: Writer, project_id: UUID, path: str, key: str, answer: Answer) -> None:
    """Keep an answer to a key that nobody has claimed. If the key is taken, the writer's
    transaction fails: see ``is_taken``.
    """
    values = _values(project_id, path, key, answer)
    writer.execute(_KEEP_FIRST, {**values, "name": _name(project_id, path, key)})


def is_taken(error: DBAPIError) -> bool:
    """Whether a transaction failed because a key is claimed, or has its answer already."""
    diagnostics = getattr(error.orig, "diag", None)
    return diagnostics is not None and (
        diagnostics.constraint_name == "idempotency_keys_pkey"
        or (diagnostics.table_name, diagnostics.column_name) == ("idempotency_keys", "status")
    )


def _values(project_id: UUID, path: str, key: str, answer: Answer) -> dict[str, Any]:
    return {
        "project": project_id,
        "path": path,
        "key": key,
        "hash": answer.request_hash,
        "status": answer.status,
        "headers": msgspec.json.encode(answer.headers).decode(),
        "body": answer.body,
    }


def _name(project_id: UUID, path: str, key: str) -> str:
    return f"{project_id} {path} {key}"


def prune(connection: Connection) -> int:
    """Forget the oldest answers that are past their day; how many."""
    return connection.execute(
        text(
            "DELETE FROM idempotency_keys WHERE (project_id, path, key) IN"
            " (SELECT project_id, path, key FROM idempotency_keys"
            " WHERE created_at < now() - :kept ORDER BY created_at LIMIT :most)"
        ),
        {"kept": KEPT_FOR, "most": PRUNED_AT_ONCE},
    ).rowcount
