"""Idempotency keys: the first answer to a request, kept for whoever sends it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Connection, text

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


def claim(connection: Connection, project_id: UUID, path: str, key: str) -> bool:
    """Claim a key until the transaction ends; False if another transaction is at it now."""
    name = f"{project_id} {path} {key}"
    return bool(connection.execute(_CLAIM, {"name": name}).scalar())


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
    writer.execute(
        _KEEP,
        {
            "project": project_id,
            "path": path,
            "key": key,
            "hash": answer.request_hash,
            "status": answer.status,
            "headers": msgspec.json.encode(answer.headers).decode(),
            "body": answer.body,
        },
    )


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
