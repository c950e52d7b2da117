"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

import gevent
import msgspec
from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.backplane.hub import Hub
from app.core.logging import get_logger
from app.core.redis import RedisClient

ANSWER_S: Final = 2.0

log = get_logger(__name__)


class Check:
    """A look at a part that may never answer: it is given up on in time, and never done twice at
    once, so that a part that hangs cannot take all connections to it.
    """

    def __init__(self, look: Callable[[], bool]) -> None:
        self._look = look
        self._under_way: gevent.Greenlet[..., bool] | None = None

    def passes(self) -> bool:
        """Whether the part answers well, within two seconds."""
        if self._under_way is None or self._under_way.ready():
            self._under_way = gevent.spawn(self._look)
        try:
            return bool(self._under_way.get(timeout=ANSWER_S))
        except gevent.Timeout:
            return False


def create_blueprint(engine: Engine, redis: RedisClient, hub: Hub) -> Blueprint:
    """The routes that machines look at."""
    blueprint = Blueprint("health", __name__)
    postgres = Check(lambda: _postgres(engine))
    answering = Check(lambda: _redis(redis))

    @blueprint.get("/healthz")
    def healthz() -> Response:
        """The process lives."""
        return _answer({"process": True})

    @blueprint.get("/readyz")
    def readyz() -> Response:
        """Its parts answer; 503 names which does not."""
        return _answer(
            {
                "postgres": postgres.passes(),
                "redis": answering.passes(),
                "backplane": hub.ready.is_set() and hub.connected,
            }
        )

    @blueprint.get("/metrics")
    def metrics() -> Response:
        """Prometheus' text format, of all processes that share PROMETHEUS_MULTIPROC_DIR."""
        registry = REGISTRY
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


def _answer(parts: dict[str, bool]) -> Response:
    good = all(parts.values())
    return Response(
        msgspec.json.encode({"status": "ok" if good else "unavailable", "parts": parts}),
        status=200 if good else 503,
        content_type="application/json",
    )


def _postgres(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM partitions LIMIT 1"))
    except SQLAlchemyError as error:
        log.debug("not_ready", part="postgres", error=str(error).split("\n")[0])
        return False
    return True


def _redis(redis: RedisClient) -> bool:
    try:
        return bool(redis.ping())
    except RedisError as error:
        log.debug("not_ready", part="redis", error=str(error))
        return False
