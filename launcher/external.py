"""Servers that DATABASE_URL and REDIS_URL name: are they there?"""

from __future__ import annotations

import psycopg
from redis import Redis, RedisError

from launcher.errors import LauncherError

TIMEOUT_S = 5


def check_postgres(url: str) -> None:
    """Connect once.

    Raises:
        LauncherError: the server cannot be reached or refuses; the password is not in the message.
    """
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        psycopg.connect(plain, connect_timeout=TIMEOUT_S).close()
    except psycopg.ProgrammingError:
        # What it says would repeat a piece of the address, which may be of the password.
        raise LauncherError(
            "DATABASE_URL should look like postgresql://user:password@host:5432/name, with "
            "percent-encoding of what has a meaning there."
        ) from None
    except psycopg.Error as error:
        # The first line says what happened; what comes behind it are guesses and other addresses.
        reason = str(error).strip().split("\n", 1)[0].replace(plain, "it").rstrip(".")
        raise LauncherError(
            f"DATABASE_URL names a database that cannot be reached: {reason}."
        ) from None


def check_redis(url: str) -> None:
    """Connect once.

    Raises:
        LauncherError: the server cannot be reached or refuses.
    """
    try:
        with Redis.from_url(
            url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S
        ) as client:
            client.ping()
    except (ValueError, TypeError):
        raise LauncherError(
            "REDIS_URL should look like redis://host:6379/0, and what is behind a ? be options "
            "of redis-py."
        ) from None
    except (RedisError, OSError) as error:
        reason = str(error).strip().rstrip(".")
        raise LauncherError(f"REDIS_URL names a server that cannot be reached: {reason}.") from None
