"""Tokens that we sign: access tokens for REST (15 min) and socket tokens (60 s, single use)."""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import UUID

import jwt

from app.core.identifiers import secret_text
from app.core.redis import RedisClient
from app.domain.access import Identity, Role

ACCESS_TOKEN_S: Final = 15 * 60
SOCKET_TOKEN_S: Final = 60
_ALGORITHM: Final = "HS256"
_ACCESS: Final = "telltale:access"
_SOCKET: Final = "telltale:socket"


class Tokens:
    """Issues and reads tokens."""

    def __init__(self, secret_key: str, redis: RedisClient) -> None:
        self._secret = secret_key
        self._redis = redis

    def access_token(self, identity: Identity) -> str:
        """A token for the Authorization header."""
        return self._issue(identity, _ACCESS, ACCESS_TOKEN_S)

    def socket_token(self, identity: Identity) -> str:
        """A token for the ``?token=`` of one socket, which lasts as long as its origin does."""
        return self._issue(identity, _SOCKET, SOCKET_TOKEN_S)

    def read_access(self, token: str) -> Identity | None:
        """Whom an access token speaks for; None if it is wrong or has expired."""
        claims = self._read(token, _ACCESS)
        return None if claims is None else _identity(claims, claims["exp"])

    def spend_socket(self, token: str) -> Identity | None:
        """Whom a socket token speaks for; None if it is wrong, has expired or was used before.

        Raises:
            redis.RedisError: whether it was used cannot be known.
        """
        claims = self._read(token, _SOCKET)
        if claims is None:
            return None
        first = self._redis.set(
            f"telltale:spent:{claims['jti']}", "1", nx=True, ex=SOCKET_TOKEN_S + 30
        )
        return _identity(claims, claims.get("until")) if first else None

    def _issue(self, identity: Identity, audience: str, life_s: int) -> str:
        now = int(time.time())
        return jwt.encode(
            {
                "sub": identity.subject,
                "project": str(identity.project_id),
                "role": identity.role.value,
                "session": identity.session_id,
                "until": identity.expires_at,
                "agent": identity.agent_id,
                "aud": audience,
                "iat": now,
                "exp": now + life_s,
                "jti": secret_text(16),
            },
            self._secret,
            algorithm=_ALGORITHM,
        )

    def _read(self, token: str, audience: str) -> dict[str, Any] | None:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                algorithms=[_ALGORITHM],
                audience=audience,
                options={"require": ["exp", "aud", "sub", "jti"]},
            )
        except jwt.InvalidTokenError:
            return None
        return claims


def _identity(claims: dict[str, Any], expires_at: float | None) -> Identity:
    return Identity(
        UUID(claims["project"]),
        Role(claims["role"]),
        claims["sub"],
        claims.get("session"),
        expires_at,
        claims.get("agent"),
    )
