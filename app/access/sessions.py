"""Browser sessions and sign-in tickets, in Redis. A session ends everywhere at log-out."""

from __future__ import annotations

import hashlib
import time
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
NOTED_WINDOW_S: Final = 3600
NOTED_FAILURES: Final = 20
MOST_SESSIONS: Final = 50
"""Sessions that one person may have; with the next one the oldest ends."""

_PREFIX: Final = "telltale:"


class Session(msgspec.Struct, frozen=True):
    """A signed-in person."""

    user_id: UUID
    email: str
    role: Role
    """At the sign-in. What counts is the role that the person has now."""
    project_id: UUID
    project_name: str
    csrf_token: str
    session_id: str
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
        token = secret_text()
        session = _session(member, secret_text(24), _hash(token))
        self._enrol(session)
        self._redis.set(_key("session", token), _encode(session), ex=SESSION_S)
        return token, session

    def move(self, token: str, member: Member, csrf_token: str) -> Session | None:
        """Let a session go on in another project; None if it has ended."""
        session = _session(member, csrf_token, _hash(token))
        there = self._redis.set(_key("session", token), _encode(session), ex=SESSION_S, xx=True)
        return session if there else None

    def find(self, token: str) -> Session | None:
        """The session of a cookie, kept alive by being used."""
        found = self._redis.getex(_key("session", token), ex=SESSION_S)
        if found is None:
            return None
        # Sessions that an older version began do not hold their own name.
        return msgspec.structs.replace(_decode(found), session_id=_hash(token))

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

    def end_of(
        self, user_id: UUID, *, project_id: UUID | None = None, but: str | None = None
    ) -> None:
        """End a person's sessions: in one project, or all; ``but`` names one that goes on."""
        index = _index(user_id)
        held: Any = self._redis.zrange(index, 0, -1)
        names = [name.decode() for name in held]
        if not names:
            return
        found = self._redis.mget([f"{_PREFIX}session:{name}" for name in names])
        gone = [
            name
            for name, raw in zip(names, found, strict=True)
            if raw is None
            or (name != but and (project_id is None or _decode(raw).project_id == project_id))
        ]
        self._forget(index, gone)

    def _enrol(self, session: Session) -> None:
        """Note the session as the person's, before it is one: none is ever unknown here."""
        index = _index(session.user_id)
        with self._redis.pipeline() as pipe:
            pipe.zadd(index, {session.session_id: time.time()})
            pipe.zrange(index, 0, -MOST_SESSIONS - 1)
            beyond: list[bytes] = pipe.execute()[1]
        self._forget(index, [name.decode() for name in beyond])

    def _forget(self, index: str, names: Sequence[str]) -> None:
        if names:
            with self._redis.pipeline() as pipe:
                pipe.delete(*(f"{_PREFIX}session:{name}" for name in names))
                pipe.zrem(index, *names)
                pipe.execute()

    def ticket(self, user_id: UUID) -> str:
        """A one-use link's secret: whoever shows it within the hour is signed in."""
        ticket = secret_text()
        self._redis.set(_key("ticket", ticket), str(user_id), ex=TICKET_S)
        return ticket

    def spend_ticket(self, ticket: str) -> UUID | None:
        """The user of a ticket, which is void from now on."""
        found: Any = self._redis.getdel(_key("ticket", ticket))
        return None if found is None else UUID(found.decode())

    def may_note_failure(self, user_id: UUID) -> bool:
        """Whether one more wrong password may go into the audit log: twenty an hour do."""
        return self._counted(_key("failures", str(user_id)), NOTED_WINDOW_S) <= NOTED_FAILURES

    def may_try(self, email: str, address: str) -> bool:
        """Whether another password may be tried: ten for an e-mail and address in five minutes."""
        key = _key("login", f"{email}\n{address}")
        return self._counted(key, LOGIN_WINDOW_S) <= LOGIN_ATTEMPTS

    def _counted(self, key: str, window_s: int) -> int:
        with self._redis.pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, window_s, nx=True)
            times, _ = pipe.execute()
        return int(times)


def _session(member: Member, csrf_token: str, session_id: str) -> Session:
    return Session(
        user_id=member.user_id,
        email=member.email,
        role=member.role,
        project_id=member.project.project_id,
        project_name=member.project.name,
        csrf_token=csrf_token,
        session_id=session_id,
    )


def _index(user_id: UUID) -> str:
    return f"{_PREFIX}sessions:{user_id}"


def _key(kind: str, secret: str) -> str:
    return f"{_PREFIX}{kind}:{_hash(secret)}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
