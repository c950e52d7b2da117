"""The tree of errors. Each class has a stable code, an HTTP status and one plain sentence."""

from __future__ import annotations

from typing import ClassVar


class TelltaleError(Exception):
    """Something that Telltale itself refuses or could not do."""


class SettingError(TelltaleError):
    """A setting is missing or wrong; the process does not start."""


class Problem(TelltaleError):
    """An error that is told to the client, as RFC 9457 problem details or a ``bye`` frame.

    ``detail`` says what happened in words, ``errors`` points at fields
    (``[{"pointer", "detail"}]``), ``retry_after_s`` becomes the Retry-After header, ``members`` are
    further members of the body.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        retry_after_s: float | None = None,
        members: dict[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or f"{self.title}."
        self.errors = errors
        self.retry_after_s = retry_after_s
        self.members = members or {}


class BadRequest(Problem):
    """The request cannot be read."""

    status, code, title = 400, "bad_request", "The request cannot be read"


class Unauthenticated(Problem):
    """There is no valid credential."""

    status, code, title = 401, "unauthenticated", "A valid credential is needed"


class Forbidden(Problem):
    """The credential is good, but its role may not do this."""

    status, code, title = 403, "forbidden", "This credential may not do that"


class OriginRefused(Forbidden):
    """A page that is neither ours nor on the list asked for a socket."""

    code, title = "origin_refused", "This origin is not on the list"


class NotFound(Problem):
    """There is no such thing in this project."""

    status, code, title = 404, "not_found", "There is no such thing here"


class MethodNotAllowed(Problem):
    """The path does not take this method."""

    status, code, title = 405, "method_not_allowed", "This path does not take this method"


class RequestTimeout(Problem):
    """The body came too slowly."""

    status, code, title = 408, "request_timeout", "The body came too slowly"


class Conflict(Problem):
    """What is there does not allow this change."""

    status, code, title = 409, "conflict", "What is there does not allow this"


class KeyInUse(Conflict):
    """The first request with this Idempotency-Key is still running."""

    code, title = "idempotency_key_in_use", "The first request with this key is still running"


class PreconditionFailed(Problem):
    """Somebody else changed it since the version that the request was made for."""

    status, code, title = 412, "precondition_failed", "It has changed since that version"


class UpgradeRequired(Problem):
    """This path speaks WebSocket, version 13."""

    status, code, title = 426, "upgrade_required", "This path speaks WebSocket, version 13"


class PreconditionRequired(Problem):
    """A change needs the version that it is made for."""

    status, code, title = 428, "precondition_required", "A change needs If-Match"


class PayloadTooLarge(Problem):
    """The body is over the limit, before or after decompression."""

    status, code, title = 413, "payload_too_large", "The body is too large"


class UnsupportedMediaType(Problem):
    """The content type or encoding is not one that this endpoint reads."""

    status, code, title = 415, "unsupported_media_type", "This content type is not understood"


class Unprocessable(Problem):
    """The request can be read, but what it says is wrong."""

    status, code, title = 422, "unprocessable", "The request is not valid"


class KeyReused(Unprocessable):
    """This Idempotency-Key was used for another request."""

    code, title = "idempotency_key_reused", "This key was used for another request"


class TooManyRequests(Problem):
    """The agent's token bucket is empty."""

    status, code, title = 429, "rate_limited", "This agent sends too fast"


class Unavailable(Problem):
    """A part that is needed is out of reach."""

    status, code, title = 503, "unavailable", "A part of the system is out of reach"


class LogFull(Unavailable):
    """The partition log has reached its bound."""

    code, title = "backlog_full", "The backlog is full"


class TooManySockets(Unavailable):
    """This process holds as many sockets, streams and long polls as it may."""

    code, title = "too_many_sockets", "This server holds as many connections as it may"
