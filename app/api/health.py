"""``/healthz`` and ``/readyz``: does the process live, and do its parts answer?"""

from __future__ import annotations

from typing import Literal

import msgspec
from flask import Response
from flask_smorest import Blueprint
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.api.description.operation import Anybody, described
from app.api.look import Look
from app.backplane.hub import Hub
from app.core.logging import get_logger
from app.core.redis import RedisClient

log = get_logger(__name__)


class Health(msgspec.Struct):
    """``ok`` or ``unavailable``, and which part answers."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, bool]


def create_blueprint(engine: Engine, redis: RedisClient, hub: Hub) -> Blueprint:
    """The routes that machines look at."""
    blueprint = Blueprint("health", __name__, description="For machines that look after this one.")
    postgres = Look(lambda: _postgres(engine))
    answering = Look(lambda: _redis(redis))

    @blueprint.route("/healthz")
    @described("get_health", Anybody.OPEN, {200: Health})
    def healthz() -> Response:
        """The process lives."""
        return _answer({"process": True})

    @blueprint.route("/readyz")
    @described("get_readiness", Anybody.OPEN, {200: Health, 503: Health})
    def readyz() -> Response:
        """Its parts answer; 503 names which does not."""
        return _answer(
            {
                "postgres": postgres.value() is True,
                "redis": answering.value() is True,
                "backplane": hub.ready.is_set() and hub.connected,
            }
        )

    return blueprint


def _answer(parts: dict[str, bool]) -> Response:
    good = all(parts.values())
    return Response(
        msgspec.json.encode(Health("ok" if good else "unavailable", parts)),
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
