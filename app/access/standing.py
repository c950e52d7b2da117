"""Whether the key, the session or the membership behind a credential still stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import Engine

from app.access.sessions import Sessions
from app.access.tokens import ACCESS_TOKEN_S
from app.cache.recent import Found, Recent
from app.core.asking import OUT_OF_REACH
from app.domain.access import Identity, Role
from app.storage import credentials, members

MAX_KNOWN: Final = 10_000
AT_ONCE: Final = 1000
"""Keys or members in one query, sessions in one pipeline."""

ROLE_GRACE_S: Final = 300.0
"""How long a person's role goes on being good that was seen before PostgreSQL went away."""

Seat = tuple[str, UUID, Role]
"""A user in a project, and the role that was had there when a connection was opened."""

Name = TypeVar("Name")


class Ended(StrEnum):
    """Why a credential that opened a connection is good no longer."""

    TOKEN_EXPIRED = "token_expired"
    KEY_REVOKED = "key_revoked"
    SESSION_ENDED = "session_ended"
    ROLE_CHANGED = "role_changed"

    @property
    def reconnect(self) -> bool:
        """Whether it is of use to come back: a token can be had anew, a revoked key cannot; another
        role may or may not look on.
        """
        return self in {Ended.TOKEN_EXPIRED, Ended.ROLE_CHANGED}


class Standing:
    """Asks PostgreSQL for keys and Redis for sessions, many at once."""

    def __init__(self, engine: Engine, sessions: Sessions) -> None:
        self._engine = engine
        self._sessions = sessions
        # While nobody can be asked, a token counts until it is void anyway.
        self._recent: Recent[bool] = Recent("tokens", grace_s=ACCESS_TOKEN_S, entries=MAX_KNOWN)
        self._roles: Recent[Role | None] = Recent("roles", grace_s=ROLE_GRACE_S, entries=MAX_KNOWN)

    def of_token(self, identity: Identity) -> bool:
        """Whether what a token was made from still stands, as of five seconds ago at most.

        While that cannot be known the token counts: it is signed, and void in a few minutes.
        """
        key_id, session_id = identity.key_id, identity.session_id
        try:
            if key_id:
                return self._recent.get(key_id, lambda: Found(not self.revoked([key_id])))
            if session_id:
                return self._recent.get(
                    session_id, lambda: Found(not self.signed_out([session_id]))
                )
        except OUT_OF_REACH:
            return True
        return True

    def role_of(self, user_id: str, project_id: UUID) -> Role | None:
        """The role that a person has in a project, as of five seconds ago at most; None for who
        does not belong to it, or finds the door shut.

        Raises:
            SQLAlchemyError, NoAnswer: it cannot be known now, and has not been for five minutes.
        """
        return self._roles.get(
            f"{user_id} {project_id}", lambda: Found(self._ask_role(user_id, project_id))
        )

    def _ask_role(self, user_id: str, project_id: UUID) -> Role | None:
        with self._engine.connect() as connection:
            return members.roles(connection, [(user_id, project_id)]).get((user_id, project_id))

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

    def unseated(self, seats: Iterable[Seat]) -> dict[Seat, Ended]:
        """Those of the people who do not belong any more, or have another role now.

        Raises:
            SQLAlchemyError: it cannot be known now.
        """
        ended: dict[Seat, Ended] = {}
        for some in _batches(seats):
            with self._engine.connect() as connection:
                roles = members.roles(connection, {(user, project) for user, project, _ in some})
            for seat in some:
                role = roles.get(seat[:2])
                if role is not seat[2]:
                    ended[seat] = Ended.SESSION_ENDED if role is None else Ended.ROLE_CHANGED
        return ended


def _batches(names: Iterable[Name]) -> Iterator[Sequence[Name]]:
    every = list(names)
    for start in range(0, len(every), AT_ONCE):
        yield every[start : start + AT_ONCE]
