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
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise LauncherError(
            f"DATABASE_URL names a database that cannot be reached: {reason}"
        ) from None


def check_redis(url: str) -> None:
    """Connect once.

    Raises:
        LauncherError: the server cannot be reached or refuses.
    """
    client = Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    try:
        client.ping()
    except (RedisError, OSError) as error:
        raise LauncherError(f"REDIS_URL names a server that cannot be reached: {error}") from None
    finally:
        client.close()
