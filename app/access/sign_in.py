"""Signing in: throttled, the same for e-mails that nobody has, and noted in the audit log."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import gevent
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from app.access.passwords import PasswordCheck
from app.access.sessions import Session, Sessions
from app.core import metrics
from app.core.errors import Forbidden, TooManyRequests, Unauthenticated
from app.core.logging import get_logger
from app.storage import audit, people
from app.storage.people import Member

WAIT_S: Final = 300.0

log = get_logger(__name__)


class LoginThrottled(TooManyRequests):
    """Too many passwords were tried."""

    code, title = "login_throttled", "Too many attempts; wait a few minutes"


class SignIn:
    """Lets people in. Tries are counted for an e-mail and address together: whoever tries from
    elsewhere locks nobody out.
    """

    def __init__(self, engine: Engine, sessions: Sessions, passwords: PasswordCheck) -> None:
        self._engine = engine
        self._sessions = sessions
        self._passwords = passwords

    def by_ticket(self, ticket: str, address: str) -> Member:
        """The person of a one-use ticket, which is void from now on.

        Raises:
            Unauthenticated: it was used, is too old, or the person belongs nowhere.
        """
        user_id = self._sessions.spend_ticket(ticket)
        if user_id is None:
            metrics.sign_ins.labels("wrong").inc()
            raise Unauthenticated("This link was used already, or is too old.")
        with self._engine.begin() as connection:
            return self._let_in(connection, user_id, {"by": "ticket", "address": address})

    def by_password(self, email: str, password: str, address: str) -> Member:
        """The person with this e-mail and password.

        Raises:
            LoginThrottled: ten were tried within five minutes.
            Unauthenticated: it is wrong, or there is no such person; it takes as long.
            TooManySignIns: so many wait already that this one would wait for seconds.
            RedisError: tries cannot be counted now, so none is let through.
        """
        found = self._checked(email, password, address)
        with self._engine.begin() as connection:
            # While the password was being checked it may have been changed.
            if people.password_of(connection, email) != found:
                raise Unauthenticated("E-mail or password is wrong.")
            return self._let_in(connection, found[0], {"by": "password", "address": address})

    def change_password(
        self, session: Session, current: str | None, password: str, address: str
    ) -> None:
        """Give the person of a session another password, and end all other sessions.

        Raises:
            Forbidden: the current password was not given, though there is one.
            LoginThrottled, Unauthenticated, TooManySignIns: as ``by_password``.
        """
        email = session.email
        with self._engine.connect() as connection:
            known = people.password_of(connection, email)
        if known is None:
            raise Unauthenticated
        if current is not None:
            known = self._checked(email, current, address)
        elif known[1] is not None:
            raise Forbidden("Give the current password too.")
        password_hash = self._passwords.hash(password)
        with self._engine.begin() as connection:
            if people.password_of(connection, email, for_update=True) != known:
                raise Unauthenticated("The password was changed elsewhere just now.")
            people.set_password(connection, known[0], password_hash)
            _note(connection, session.project_id, known[0], "changed", {"password": "set"})
            self._sessions.end_of(known[0], but=session.session_id)

    def _checked(self, email: str, password: str, address: str) -> tuple[UUID, str | None]:
        if not self._sessions.may_try(email, address):
            metrics.sign_ins.labels("throttled").inc()
            raise LoginThrottled(retry_after_s=WAIT_S)
        with self._engine.connect() as connection:
            found = people.password_of(connection, email)
        if self._passwords.verify(found[1] if found else None, password) and found is not None:
            return found
        metrics.sign_ins.labels("wrong").inc()
        if found is not None:
            # Not waited for: it would take longer for e-mails that somebody has.
            gevent.spawn(self._note_failure, found[0], address)
        raise Unauthenticated("E-mail or password is wrong.")

    def _let_in(self, connection: Connection, user_id: UUID, detail: dict[str, Any]) -> Member:
        member = people.membership(connection, user_id)
        if member is None:
            raise Unauthenticated("This user belongs to no project.")
        _note(connection, member.project.project_id, user_id, "signed_in", detail)
        metrics.sign_ins.labels("good").inc()
        return member

    def _note_failure(self, user_id: UUID, address: str) -> None:
        if not self._sessions.may_note_failure(user_id):
            return
        try:
            with self._engine.begin() as connection:
                member = people.membership(connection, user_id)
                if member is not None:
                    project_id = member.project.project_id
                    _note(connection, project_id, user_id, "sign_in_failed", {"address": address})
        except SQLAlchemyError as error:
            log.warning("sign_in_not_noted", error=str(error).split("\n")[0])


def _note(
    connection: Connection, project_id: UUID, user_id: UUID, action: str, detail: dict[str, Any]
) -> None:
    audit.record(
        connection,
        project_id,
        subject=f"user:{user_id}",
        action=action,
        resource="user",
        resource_id=str(user_id),
        detail=detail,
    )
