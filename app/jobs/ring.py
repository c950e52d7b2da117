"""The bell: one Dramatiq message says that a partition has work, however much it is."""

from __future__ import annotations

from collections.abc import Sequence

from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from app.core import metrics
from app.core.logging import get_logger
from app.core.lua import LuaScript
from app.core.redis import RedisClient
from app.eventlog.redis_streams import BELL_LIFE_MS, bell_key
from app.jobs.messages import INGEST_QUEUE, drain

LEASE_MS = 1500
"""An answered bell is held so long, unless it is renewed: a worker does so twice a second."""

log = get_logger(__name__)

# Only the owner may renew or take away its own lease.
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= 'rung' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


def ring(broker: RedisBroker, partition: int, by: str) -> None:
    """Enqueue a drain. If that fails, the sweep rings again within seconds."""
    metrics.bells.labels(by).inc()
    try:
        broker.enqueue(drain(partition))
    except RedisError as error:
        log.warning("ring_failed", partition=partition, error=str(error))


def waiting(broker: RedisBroker) -> int:
    """How many drains nobody has taken yet: the bound for those who ring again.

    Dramatiq's own count holds those that a killed worker took with it, too, for minutes.
    """
    return int(broker.client.llen(f"{broker.namespace}:{INGEST_QUEUE}"))


class Bells:
    """The state of each partition's bell: silent, rung, or held by the worker that answered.

    A lease here only keeps workers from crowding on one partition; what keeps them apart is the
    lock on the partition's row.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._take = LuaScript(redis, _TAKE)
        self._renew = LuaScript(redis, _RENEW)
        self._release = LuaScript(redis, _RELEASE)

    def take(self, partition: int, owner: str) -> bool:
        """Answer the bell; False if another worker stays on the partition."""
        return bool(self._take.call_all([([bell_key(partition)], [owner, LEASE_MS])])[0])

    def renew(self, partitions: Sequence[int], owner: str) -> list[int]:
        """Stay on these partitions; returns those whose lease was lost."""
        answers = self._renew.call_all([([bell_key(p)], [owner, LEASE_MS]) for p in partitions])
        return [p for p, renewed in zip(partitions, answers, strict=True) if not renewed]

    def release(self, partition: int, owner: str) -> None:
        """Leave: the next append rings again."""
        self._release.call_all([([bell_key(partition)], [owner])])

    def ring_if_silent(self, partition: int) -> bool:
        """Mark the bell as rung; False if it rings or is answered already."""
        return bool(self._redis.set(bell_key(partition), "rung", nx=True, px=BELL_LIFE_MS))
