"""Passwords, by argon2id, checked beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from gevent.threadpool import ThreadPool

from app.core.errors import Unavailable

THREADS: Final = 2
MAX_WAITING: Final = 20
"""Sign-ins in line; each takes a tenth of a second and 64 MiB, by design."""

_hasher = PasswordHasher()
# Verified against when there is no such user, so that the time tells nothing.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43


class TooManySignIns(Unavailable):
    """More people are signing in at once than can be checked soon."""

    code, title = "too_many_sign_ins", "Too many people are signing in at once"


def hash_password(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


class PasswordCheck:
    """Checks and makes hashes in threads of its own, so that neither the event loop nor other work
    that is done beside it waits for them.
    """

    def __init__(self) -> None:
        self._under_way = 0

    def hash(self, password: str) -> str:
        """The hash to store.

        Raises:
            TooManySignIns: as ``verify``.
        """
        return str(self._in_turn(hash_password, password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether this is the password; takes as long for a user who does not exist.

        Raises:
            TooManySignIns: so many wait already that this one would wait for seconds.
        """
        return bool(self._in_turn(_verify, password_hash, password))

    def _in_turn(self, work: Callable[..., Any], *given: str | None) -> Any:
        if self._under_way >= THREADS + MAX_WAITING:
            raise TooManySignIns(retry_after_s=2)
        self._under_way += 1
        try:
            return self._threads.apply(work, given)
        finally:
            self._under_way -= 1

    @cached_property
    def _threads(self) -> Any:
        return ThreadPool(THREADS)


def _verify(password_hash: str | None, password: str) -> bool:
    try:
        return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (Argon2Error, ValueError):
        return False
