"""API keys: made, looked up, listed, revoked. Only the hash of a secret is stored."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Select, func, insert, select, text, tuple_, update

from app.core import clock
from app.core.identifiers import secret_text
from app.domain.access import Identity, Role
from app.domain.api_key import parse_key
from app.storage.tables import api_keys


class KnownKey(msgspec.Struct, frozen=True):
    """What has to be known of a key to tell whom it speaks for."""

    key_id: str
    project_id: UUID
    role: Role
    secret_hash: bytes
    agent_id: str | None = None

    def identity(self, secret: str) -> Identity | None:
        """Whom the key speaks for, if this is its secret."""
        if not hmac.compare_digest(_hash(secret), self.secret_hash):
            return None
        subject = f"key:{self.key_id}"
        return Identity(self.project_id, self.role, subject, agent_id=self.agent_id)


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it may be shown: without its secret."""

    key_id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None
    agent_id: str | None = None


def create(
    connection: Connection, project_id: UUID, name: str, role: Role, agent_id: str | None = None
) -> str:
    """Make a key ``tt_<id>_<secret>``; this is the only time that its secret is seen.

    With ``agent_id`` it is this agent's own; its role is agent then.
    """
    key_id, secret = secrets.token_hex(6), secret_text()
    _insert(connection, project_id, name, role, key_id, secret, agent_id)
    return f"tt_{key_id}_{secret}"


def ensure(connection: Connection, project_id: UUID, name: str, role: Role, key: str) -> bool:
    """Make a given key if its id is new; whether the key works in this role now.

    It does not if it was revoked, or if its id belongs to another secret or role. That stays so.

    Raises:
        ValueError: the text is not of a key's form.
    """
    key_id, secret = parse_key(key)
    if not connection.execute(select(api_keys.c.key_id).filter_by(key_id=key_id)).first():
        _insert(connection, project_id, name, role, key_id, secret)
    found = identify(connection, key)
    return found is not None and found.role is role


def identify(connection: Connection, key: str) -> Identity | None:
    """Whom a key speaks for; None if it is unknown, wrong or revoked."""
    try:
        key_id, secret = parse_key(key)
    except ValueError:
        return None
    found = known(connection, key_id)
    return None if found is None else found.identity(secret)


def known(connection: Connection, key_id: str) -> KnownKey | None:
    """A key by its id; None if it is unknown or revoked."""
    row = connection.execute(
        select(
            api_keys.c.project_id, api_keys.c.role, api_keys.c.secret_hash, api_keys.c.agent_id
        ).where(api_keys.c.key_id == key_id, api_keys.c.revoked_at.is_(None))
    ).first()
    if row is None:
        return None
    return KnownKey(key_id, row.project_id, Role(row.role), bytes(row.secret_hash), row.agent_id)


def alive(connection: Connection, key_ids: Sequence[str]) -> set[str]:
    """Those of the keys that are there and not revoked."""
    found = connection.execute(
        text("SELECT key_id FROM api_keys WHERE key_id = ANY(:ids) AND revoked_at IS NULL"),
        {"ids": list(key_ids)},
    )
    return set(found.scalars())


def listing(connection: Connection, project_id: UUID) -> list[ApiKey]:
    """A project's keys, newest first, revoked ones too."""
    rows = connection.execute(_shown(project_id))
    return [_key(row) for row in rows]


def page(
    connection: Connection,
    project_id: UUID,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
) -> list[ApiKey]:
    """A project's keys, newest first, before a place if one is given; revoked ones too."""
    wanted = _shown(project_id).limit(limit)
    if before is not None:
        wanted = wanted.where(tuple_(api_keys.c.created_at, api_keys.c.key_id) < before)
    return [_key(row) for row in connection.execute(wanted)]


def find(connection: Connection, project_id: UUID, key_id: str) -> ApiKey | None:
    """One key of a project."""
    row = connection.execute(_shown(project_id).where(api_keys.c.key_id == key_id)).first()
    return None if row is None else _key(row)


def count_active(connection: Connection, project_id: UUID) -> int:
    """How many keys of a project still have their power."""
    return connection.execute(
        select(func.count())
        .select_from(api_keys)
        .where(api_keys.c.project_id == project_id, api_keys.c.revoked_at.is_(None))
    ).scalar_one()


def _key(row: Sequence[Any]) -> ApiKey:
    return ApiKey(row[0], row[1], Role(row[2]), row[3], row[4], row[5])


def _shown(project_id: UUID) -> Select[Any]:
    return (
        select(
            api_keys.c.key_id,
            api_keys.c.name,
            api_keys.c.role,
            api_keys.c.created_at,
            api_keys.c.revoked_at,
            api_keys.c.agent_id,
        )
        .where(api_keys.c.project_id == project_id)
        .order_by(api_keys.c.created_at.desc(), api_keys.c.key_id.desc())
    )


def revoke(connection: Connection, project_id: UUID, key_id: str) -> bool:
    """Take a key's power away; False if there is no such key that still has it."""
    result = connection.execute(
        update(api_keys)
        .where(
            api_keys.c.project_id == project_id,
            api_keys.c.key_id == key_id,
            api_keys.c.revoked_at.is_(None),
        )
        .values(revoked_at=clock.now())
    )
    return result.rowcount > 0


def _insert(
    connection: Connection,
    project_id: UUID,
    name: str,
    role: Role,
    key_id: str,
    secret: str,
    agent_id: str | None = None,
) -> None:
    connection.execute(
        insert(api_keys).values(
            key_id=key_id,
            project_id=project_id,
            name=name,
            role=role.value,
            agent_id=agent_id,
            secret_hash=_hash(secret),
        )
    )


def _hash(secret: str) -> bytes:
    # The secret is 32 random bytes: a slow hash would protect nothing more.
    return hashlib.sha256(secret.encode()).digest()
