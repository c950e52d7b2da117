"""API keys as they were a moment ago: each request shows one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Engine

from app.cache.recent import Found, Recent
from app.cache.shared import Shared
from app.core.redis import RedisClient
from app.domain.access import Identity
from app.domain.api_key import parse_key
from app.storage import credentials
from app.storage.credentials import KnownKey

CACHE: Final = "api_keys"
MAX_KEYS: Final = 10_000
GRACE_S: Final = 300.0
"""How long a key goes on being good that was seen before PostgreSQL went out of reach."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(KnownKey).decode


class KeyCache:
    """Looks keys up by their ids. Secrets are neither kept nor sent: only their hashes."""

    def __init__(self, engine: Engine, redis: RedisClient) -> None:
        self._engine = engine
        self._shared = Shared(redis, CACHE)
        self.recent: Recent[KnownKey | None] = Recent(CACHE, entries=MAX_KEYS, grace_s=GRACE_S)

    def identify(self, key: str) -> Identity | None:
        """Whom a key speaks for, as of five seconds ago at most; None if it is unknown, wrong or
        revoked.

        Raises:
            SQLAlchemyError, NoAnswer: it cannot be known now, and has not been for five minutes.
        """
        try:
            key_id, secret = parse_key(key)
        except ValueError:
            return None
        known = self.recent.get(key_id, lambda: self._find(key_id))
        return None if known is None else known.identity(secret)

    def forget(self, key_ids: Iterable[str]) -> None:
        """These keys were revoked: ask PostgreSQL, here and elsewhere."""
        names = list(key_ids)
        self._shared.forget(names)
        self.recent.forget(names)

    def _find(self, key_id: str) -> Found[KnownKey | None]:
        def ask() -> bytes | None:
            with self._engine.connect() as connection:
                known = credentials.known(connection, key_id)
            return None if known is None else _encode(known)

        found = self._shared.get(key_id, ask)
        return Found(None if found.value is None else _decode(found.value), found.age_s)
