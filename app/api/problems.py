"""Errors as problem details (RFC 9457): our own, and what Flask and webargs refuse."""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
from flask import Flask, Response
from redis.exceptions import RedisError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolEmpty
from werkzeug.exceptions import HTTPException
from werkzeug.routing.exceptions import WebsocketMismatch

from app.api.methods import allowed
from app.core import metrics
from app.core.asking import NoAnswer
from app.core.errors import (
    BadRequest,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Problem,
    RequestTimeout,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
    UpgradeRequired,
)
from app.core.logging import get_logger

log = get_logger(__name__)

_KINDS: Final = {
    kind.status: kind
    for kind in (
        BadRequest,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        PayloadTooLarge,
        UnsupportedMediaType,
        Unprocessable,
        UpgradeRequired,
    )
}
"""What Flask and webargs refuse, said as we say it: a code has one title."""


class OtherRefusal(Problem):
    """HTTP has a status for it, and we have no code."""

    code, title = "http_error", "The request was refused"


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    retry_after_s: float | None = None,
    members: dict[str, object] | None = None,
) -> Response:
    """A problem as a response; it is counted by its code."""
    metrics.problems.labels(code).inc()
    body: dict[str, Any] = {
        "type": f"urn:telltale:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = errors
    body |= members or {}
    response = Response(
        msgspec.json.encode(body), status=status, content_type="application/problem+json"
    )
    if retry_after_s is not None:
        # Whoever comes back earlier is refused again.
        response.headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="telltale"'
    elif status == 426:
        response.headers["Upgrade"] = "websocket"
        response.headers["Sec-WebSocket-Version"] = "13"
    return response


def response_of(error: Problem) -> Response:
    """An error of ours as a response."""
    return problem_response(
        error.status,
        error.code,
        error.title,
        error.detail,
        errors=error.errors,
        retry_after_s=error.retry_after_s,
        members=error.members,
    )


def register(app: Flask) -> None:
    """Answer every error of this app as a problem; nothing internal leaks."""

    @app.errorhandler(Problem)
    def ours(error: Problem) -> Response:
        return response_of(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = 426 if isinstance(error, WebsocketMismatch) else error.code or 500
        fields = getattr(error, "data", None) or {}
        kind = _KINDS.get(status, OtherRefusal)
        response = problem_response(
            status,
            kind.code,
            kind.title,
            f"{kind.title}.",
            errors=_pointers(fields.get("messages", {})),
        )
        if status == 405:
            response.headers["Allow"] = allowed(app)
        return response

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(PoolEmpty)
    @app.errorhandler(RedisError)
    @app.errorhandler(NoAnswer)
    def out_of_reach(error: Exception) -> Response:
        log.warning("part_out_of_reach", error=str(error).split("\n")[0])
        return ours(Unavailable(retry_after_s=1))

    @app.errorhandler(RecursionError)
    def too_deep(_: RecursionError) -> Response:
        return ours(BadRequest("The body is nested too deep."))

    @app.errorhandler(DataError)
    @app.errorhandler(UnicodeEncodeError)
    def no_such_text(_: Exception) -> Response:
        return ours(Unprocessable("PostgreSQL cannot hold \\u0000 or half of a surrogate pair."))

    @app.errorhandler(SQLAlchemyError)
    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("request_failed", exc_info=error)
        return problem_response(500, "internal", Problem.title, "It has been logged.")


def _pointers(messages: Any, path: str = "") -> list[dict[str, str]]:
    """Marshmallow's messages as pointers; the first level is where the field was (json, query)."""
    if isinstance(messages, list):
        return [{"pointer": path or "/", "detail": str(message)} for message in messages]
    if not isinstance(messages, dict):
        return []
    found: list[dict[str, str]] = []
    for name, inner in messages.items():
        deeper = path if name in {"json", "query", "_schema"} else f"{path}/{name}"
        found += _pointers(inner, deeper)
    return found
