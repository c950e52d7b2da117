"""Passwords, by argon2id."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error

_hasher = PasswordHasher()
# Verified against when there is no such user, so that the time tells nothing.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43


def hash_password(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether this is the password; takes as long for a user who does not exist."""
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (Argon2Error, ValueError):
        return False
