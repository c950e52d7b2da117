"""API keys as they were a moment ago: each request shows one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Engine

from app.cache.layered import Layered
from app.core.redis import RedisClient
from app.domain.access import Identity
from app.domain.api_key import parse_key
from app.storage import credentials
from app.storage.credentials import KnownKey

CACHE: Final = "api_keys"
MAX_KEYS: Final = 10_000
GRACE_S: Final = 300.0
"""How long a key goes on being good that was seen before PostgreSQL went out of reach."""


class KeyCache:
    """Looks keys up by their ids. Secrets are neither kept nor sent: only their hashes."""

    def __init__(self, engine: Engine, redis: RedisClient) -> None:
        self._engine = engine
        self.known = Layered(CACHE, KnownKey, redis, entries=MAX_KEYS, grace_s=GRACE_S)

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
        known = self.known.get(key_id, lambda: self._find(key_id))
        return None if known is None else known.identity(secret)

    def _find(self, key_id: str) -> KnownKey | None:
        with self._engine.connect() as connection:
            return credentials.known(connection, key_id)
