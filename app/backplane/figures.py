"""What each process counts, told to the others through Redis: any web process can answer for all.

A process that has ended is forgotten after fifteen seconds, and with it all it had counted.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from redis.exceptions import RedisError

from app.core.logging import get_logger
from app.core.redis import RedisClient

TELL_EVERY_S: Final = 5.0
KEPT_S: Final = 15

_INDEX: Final = "telltale:{figures}"
_INDEX_KEPT_S: Final = 86_400

log = get_logger(__name__)


class Family(msgspec.Struct, array_like=True):
    """One metric of one process: its samples are (name, labels, value)."""

    name: str
    documentation: str
    kind: str
    samples: list[tuple[str, dict[str, str], float]]


class Figures:
    """The figures of this process and of all others. ``process`` is ``web``, ``worker``, ``clock``.

    Every sample is labelled with the ``process``, ``host`` and ``pid`` that it comes from.
    """

    def __init__(self, redis: RedisClient, process: str) -> None:
        self._redis = redis
        self._process = process
        self._begun = False

    def start(self) -> None:
        """Begin to tell the others, every five seconds. Called after the fork."""
        if not self._begun:
            self._begun = True
            threading.Thread(target=self._tell_for_ever, name="figures", daemon=True).start()

    def tell(self) -> None:
        """Leave in Redis what this process counts. Losing this costs nothing."""
        key = self._key()
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.set(key, msgspec.msgpack.encode(self.own()), ex=KEPT_S)
                pipe.sadd(_INDEX, key)
                pipe.expire(_INDEX, _INDEX_KEPT_S)
                pipe.execute()
        except RedisError as error:
            log.debug("figures_not_told", error=str(error))

    def own(self) -> list[Family]:
        """The figures of this process, as they are now."""
        labels = {"process": self._process, "host": socket.gethostname(), "pid": str(os.getpid())}
        return [
            Family(
                metric.name,
                metric.documentation,
                metric.type,
                [
                    (sample.name, {**sample.labels, **labels}, sample.value)
                    for sample in metric.samples
                    # When a counter was made says nothing that its restart would not.
                    if not sample.name.endswith("_created")
                ],
            )
            for metric in REGISTRY.collect()
        ]

    def others(self) -> list[Family]:
        """The figures of all other processes, none of them older than fifteen seconds.

        Raises:
            RedisError: Redis is out of reach.
        """
        told: Any = self._redis.smembers(_INDEX)
        keys = sorted(told - {self._key().encode()})
        if not keys:
            return []
        found: Any = self._redis.mget(keys)
        if ended := [key for key, value in zip(keys, found, strict=True) if value is None]:
            self._redis.srem(_INDEX, *ended)
        return [family for value in found if value is not None for family in _decode(value)]

    def _key(self) -> str:
        return f"{_INDEX}:{self._process}:{socket.gethostname()}:{os.getpid()}"

    def _tell_for_ever(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.tell()
            except Exception:
                log.exception("figures_not_told")
            pause.wait(TELL_EVERY_S)


def together(families: Iterable[Family]) -> Iterator[Metric]:
    """The figures of several processes as one list of metrics, each named once."""
    metrics: dict[str, Metric] = {}
    for family in families:
        metric = metrics.get(family.name)
        if metric is None:
            metric = metrics[family.name] = Metric(family.name, family.documentation, family.kind)
        for name, labels, value in family.samples:
            metric.add_sample(name, labels, value)
    yield from metrics.values()


def _decode(value: bytes) -> list[Family]:
    """Empty for what a process of another version has told in another form."""
    try:
        return msgspec.msgpack.decode(value, type=list[Family])
    except msgspec.DecodeError:
        return []
