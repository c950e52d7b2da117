"""Redis connections: bounded in number and time, failing fast: every caller has a plan."""

from __future__ import annotations

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

RedisClient = Redis


def create_redis(
    url: str, *, max_connections: int = 50, socket_timeout_s: float = 5.0
) -> RedisClient:
    """A client with its own pool. Answers are bytes.

    A command is tried once more on a fresh connection if the pooled one turns out to be dead
    (every command that we send is safe to repeat); after that the caller hears of it.
    """
    # A Unix socket knows no keepalive.
    keepalive = {} if url.startswith("unix:") else {"socket_keepalive": True}
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=5,
        socket_timeout=socket_timeout_s,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
        **keepalive,
    )
    return Redis(connection_pool=pool)
