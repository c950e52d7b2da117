"""Whether the key or the session that a credential comes from still stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from sqlalchemy import Engine

from app.access.asking import OUT_OF_REACH
from app.access.recent import Recent
from app.access.sessions import Sessions
from app.access.tokens import ACCESS_TOKEN_S
from app.domain.access import Identity
from app.storage import credentials

FRESH_S: Final = 5.0
MAX_KNOWN: Final = 10_000
AT_ONCE: Final = 1000
"""Keys in one query, sessions in one pipeline."""


class Ended(StrEnum):
    """Why a credential that opened a connection is good no longer."""

    TOKEN_EXPIRED = "token_expired"
    KEY_REVOKED = "key_revoked"
    SESSION_ENDED = "session_ended"

    @property
    def reconnect(self) -> bool:
        """Whether it is of use to come back: a token can be had anew, a revoked key cannot."""
        return self is Ended.TOKEN_EXPIRED


class Standing:
    """Asks PostgreSQL for keys and Redis for sessions, many at once."""

    def __init__(self, engine: Engine, sessions: Sessions) -> None:
        self._engine = engine
        self._sessions = sessions
        # While nobody can be asked, a token counts until it is void anyway.
        self._recent: Recent[bool] = Recent(
            fresh_s=FRESH_S, grace_s=ACCESS_TOKEN_S, entries=MAX_KNOWN
        )

    def of_token(self, identity: Identity) -> bool:
        """Whether what a token was made from still stands, as of five seconds ago at most.

        While that cannot be known the token counts: it is signed, and void in a few minutes.
        """
        key_id, session_id = identity.key_id, identity.session_id
        try:
            if key_id:
                return self._recent.get(key_id, lambda: not self.revoked([key_id]))
            if session_id:
                return self._recent.get(session_id, lambda: not self.signed_out([session_id]))
        except OUT_OF_REACH:
            return True
        return True

    def revoked(self, key_ids: Iterable[str]) -> set[str]:
        """Those of the keys that are gone or revoked.

        Raises:
            SQLAlchemyError: it cannot be known now.
        """
        gone: set[str] = set()
        for some in _batches(key_ids):
            with self._engine.connect() as connection:
                gone |= set(some) - credentials.alive(connection, some)
        return gone

    def signed_out(self, session_ids: Iterable[str]) -> set[str]:
        """Those of the sessions that have ended. The others are in use, and so kept alive.

        Raises:
            RedisError: it cannot be known now.
        """
        gone: set[str] = set()
        for some in _batches(session_ids):
            gone |= set(some) - self._sessions.alive(some)
        return gone


def _batches(names: Iterable[str]) -> Iterator[Sequence[str]]:
    every = list(names)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]
