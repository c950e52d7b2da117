"""From a request's credential to an identity: API key, access token, socket token or session."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Final

from flask import Request
from redis.exceptions import RedisError

from app.access.origins import Origins
from app.access.sessions import Session, Sessions
from app.access.standing import Standing
from app.access.tokens import Tokens
from app.cache.keys import KeyCache
from app.core.asking import OUT_OF_REACH
from app.core.errors import Forbidden, OriginRefused, Unauthenticated, Unavailable
from app.domain.access import Identity, Permission

SESSION_COOKIE: Final = "telltale_session"
CSRF_HEADER: Final = "X-CSRF-Token"
KEY_PREFIX: Final = "tt_"


class Authenticator:
    """Finds out who is asking. A revoked key, or the role that a person had, is honoured for five
    seconds more at most; while PostgreSQL is away, for five minutes, and then nobody is let in.
    """

    def __init__(
        self,
        keys: KeyCache,
        tokens: Tokens,
        sessions: Sessions,
        standing: Standing,
        origins: Origins,
    ) -> None:
        self.tokens = tokens
        self.sessions = sessions
        self._origins = origins
        self._standing = standing
        self._keys = keys

    def request(self, request: Request, permission: Permission | None = None) -> Identity:
        """Who sends this REST request.

        Raises:
            Unauthenticated: nobody we know.
            Forbidden: the role may not do this, or a write came without its CSRF token.
            Unavailable: it cannot be known now.
        """
        identity = self._bearer(request)
        if identity is None:
            session = self.session(request)
            if session is None:
                raise Unauthenticated
            if request.method not in {"GET", "HEAD", "OPTIONS"}:
                self.check_csrf(request, session)
            identity = session.identity()
        return _permitted(self._as_of_now(identity), permission)

    def reader(self, request: Request, agent_id: str | None = None) -> Identity:
        """Who reads what is this agent's: whoever may read, or the agent itself by its own key.

        Without ``agent_id`` every agent with a key of its own is let in, and must be shown no more
        than is its own.

        Raises:
            As ``request``.
        """
        identity = self.request(request)
        if identity.agent_id is None:
            return _permitted(identity, Permission.READ)
        if not identity.may_read_of(agent_id or identity.agent_id):
            raise Forbidden(f"This key reads what is the agent {identity.agent_id}'s alone.")
        return identity

    def issuer(self, request: Request) -> Identity:
        """Who asks for an access token. A token does not beget tokens: it would outlive its key.

        Raises:
            As ``request``; and Forbidden for an access token.
        """
        identity = self.request(request)
        credential = request.headers.get("Authorization", "").partition(" ")[2].strip()
        if credential and not credential.startswith(KEY_PREFIX):
            raise Forbidden("A token is given for an API key or a session, not for a token.")
        return identity

    def socket(self, request: Request, permission: Permission) -> Identity:
        """Who opens this socket; called before the upgrade.

        Raises:
            As ``request``; and OriginRefused for a page from elsewhere.
        """
        if not self._origins.allow(request):
            origin = request.headers["Origin"]
            raise OriginRefused(f"The origin {origin} is not in ALLOWED_ORIGINS.")
        token = request.args.get("token")
        if token is not None:
            try:
                identity = self.tokens.spend_socket(token)
            except RedisError:
                raise Unavailable("Redis is out of reach.", retry_after_s=1) from None
            if identity is None or not self._standing.of_token(identity):
                raise Unauthenticated("This socket token is wrong, too old, or was used before.")
            return _permitted(self._as_of_now(identity), permission)
        identity = self._bearer(request)
        if identity is None:
            session = self.session(request)
            if session is None:
                raise Unauthenticated
            identity = session.identity()
        return _permitted(self._as_of_now(identity), permission)

    def session(self, request: Request) -> Session | None:
        """The browser session of a request.

        Raises:
            Unavailable: Redis is out of reach.
        """
        cookie = request.cookies.get(SESSION_COOKIE)
        if not cookie:
            return None
        try:
            return self.sessions.find(cookie)
        except RedisError:
            raise Unavailable("Redis is out of reach.", retry_after_s=1) from None

    def check_csrf(self, request: Request, session: Session) -> None:
        """A browser's write must carry the session's token.

        Raises:
            Forbidden: it does not.
        """
        given = request.headers.get(CSRF_HEADER, "").encode()
        if not hmac.compare_digest(given, session.csrf_token.encode()):
            raise Forbidden(f"A write from a browser needs the {CSRF_HEADER} header.")

    def _as_of_now(self, identity: Identity) -> Identity:
        """The identity with the role that its person has now, whatever it was at the sign-in.

        Raises:
            Unauthenticated: the person does not belong to the project any more.
            Unavailable: it cannot be known now.
        """
        if identity.user_id is None:
            return identity
        try:
            role = self._standing.role_of(identity.user_id, identity.project_id)
        except OUT_OF_REACH:
            raise Unavailable("PostgreSQL is out of reach.", retry_after_s=1) from None
        if role is None:
            raise Unauthenticated("You do not belong to this project any more.")
        return replace(identity, role=role)

    def _bearer(self, request: Request) -> Identity | None:
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise Unauthenticated("Authorization must be: Bearer <credential>.")
        identity = (
            self._key(credential)
            if credential.startswith(KEY_PREFIX)
            else self._access_token(credential)
        )
        if identity is None:
            raise Unauthenticated("This credential is unknown, revoked or has expired.")
        return identity

    def _access_token(self, token: str) -> Identity | None:
        identity = self.tokens.read_access(token)
        return identity if identity is not None and self._standing.of_token(identity) else None

    def _key(self, key: str) -> Identity | None:
        try:
            return self._keys.identify(key)
        except OUT_OF_REACH:
            raise Unavailable("PostgreSQL is out of reach.", retry_after_s=1) from None


def _permitted(identity: Identity, permission: Permission | None) -> Identity:
    if permission is not None and not identity.may(permission):
        raise Forbidden(f"The role {identity.role.value} may not do that ({permission.value}).")
    return identity
