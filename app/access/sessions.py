"""Browser sessions and sign-in tickets, in Redis. A session ends everywhere at log-out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from app.core.identifiers import secret_text
from app.core.redis import RedisClient
from app.domain.access import Identity, Role
from app.storage.people import Member

SESSION_S: Final = 12 * 3600
TICKET_S: Final = 3600
LOGIN_WINDOW_S: Final = 300
LOGIN_ATTEMPTS: Final = 10
_PREFIX: Final = "telltale:"


class Session(msgspec.Struct, frozen=True):
    """A signed-in person."""

    user_id: UUID
    email: str
    role: Role
    project_id: UUID
    project_name: str
    csrf_token: str
    session_id: str = ""
    """The hash of the cookie's token: it names the session and opens nothing."""

    def identity(self) -> Identity:
        """Whom the session's requests speak for."""
        return Identity(self.project_id, self.role, f"user:{self.user_id}", self.session_id)


_decode = msgspec.json.Decoder(Session).decode
_encode = msgspec.json.Encoder().encode


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    def open(self, member: Member) -> tuple[str, Session]:
        """Begin a session; the token goes into the cookie and is not stored."""
        session = Session(
            user_id=member.user_id,
            email=member.email,
            role=member.role,
            project_id=member.project.project_id,
            project_name=member.project.name,
            csrf_token=secret_text(24),
        )
        token = secret_text()
        self._redis.set(_key("session", token), _encode(session), ex=SESSION_S)
        return token, _named(session, token)

    def find(self, token: str) -> Session | None:
        """The session of a cookie, kept alive by being used."""
        found = self._redis.getex(_key("session", token), ex=SESSION_S)
        return None if found is None else _named(_decode(found), token)

    def alive(self, session_ids: Sequence[str]) -> set[str]:
        """Those of the sessions that have not ended; each is kept alive, for somebody uses it.

        Raises:
            redis.RedisError: it cannot be known now.
        """
        with self._redis.pipeline(transaction=False) as pipe:
            for session_id in session_ids:
                pipe.expire(f"{_PREFIX}session:{session_id}", SESSION_S)
            found = pipe.execute()
        return {name for name, there in zip(session_ids, found, strict=True) if there}

    def end(self, token: str) -> None:
        """Sign out."""
        self._redis.delete(_key("session", token))

    def ticket(self, user_id: UUID) -> str:
        """A one-use link's secret: whoever shows it within the hour is signed in."""
        ticket = secret_text()
        self._redis.set(_key("ticket", ticket), str(user_id), ex=TICKET_S)
        return ticket

    def spend_ticket(self, ticket: str) -> UUID | None:
        """The user of a ticket, which is void from now on."""
        found: Any = self._redis.getdel(_key("ticket", ticket))
        return None if found is None else UUID(found.decode())

    def may_try(self, email: str, address: str) -> bool:
        """Whether another password may be tried: ten for an e-mail and address in five minutes."""
        key = _key("login", f"{email}\n{address}")
        with self._redis.pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, LOGIN_WINDOW_S, nx=True)
            attempts, _ = pipe.execute()
        return int(attempts) <= LOGIN_ATTEMPTS


def _named(session: Session, token: str) -> Session:
    return msgspec.structs.replace(session, session_id=_hash(token))


def _key(kind: str, secret: str) -> str:
    return f"{_PREFIX}{kind}:{_hash(secret)}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
