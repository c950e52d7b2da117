"""The problems (RFC 9457) that an operation may answer with, by status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from app.api.description.operation import Anybody, Operation

Json = dict[str, Any]

PROBLEM: Final[Json] = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457). `code` is a stable word.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "errors": {
            "type": "array",
            "description": "What is wrong, field by field.",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer of the field"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "id": {"type": "string", "description": "of the event that was refused"},
                },
                "required": ["pointer", "detail"],
            },
        },
        "current_version": {"type": "integer", "description": "with 412: what there is now"},
        "current_state": {"type": ["string", "null"], "description": "with 409 of a task"},
        "user_id": {"type": "string", "format": "uuid", "description": "with 409 of a user"},
    },
    "required": ["type", "title", "status", "detail", "code"],
}

_WORDS: Final = {
    400: "BadRequest: the request cannot be read.",
    401: "Unauthenticated: there is no valid credential.",
    403: "Forbidden: the role may not do this, or a browser's write came without its CSRF token.",
    404: "NotFound: there is no such thing in this project.",
    408: "RequestTimeout: the body came too slowly.",
    409: "Conflict: what is there does not allow this, or the Idempotency-Key is in use.",
    410: "Gone: the cursor is of no use any more; start again without one.",
    412: "PreconditionFailed: it has changed since that version; `current_version` is the new one.",
    413: "PayloadTooLarge: the body is too large.",
    414: "UriTooLong: the request's first line is too long.",
    415: "UnsupportedMediaType: the content type or encoding is not one that is read here.",
    422: "Unprocessable: what it says is wrong; `errors` points at the fields.",
    428: "PreconditionRequired: it takes If-Match with the version that you change.",
    429: "TooManyRequests: wait for Retry-After.",
    503: "Unavailable: a part that is needed is out of reach; try again after Retry-After.",
}
_MAY_WAIT: Final = {409, 429, 503}

RETRY_AFTER: Final[Json] = {
    "description": "Seconds to wait.",
    "schema": {"type": "integer", "minimum": 1},
}


def name_of(status: int) -> str:
    """What the response of a status is called in the document."""
    return _WORDS[status].partition(":")[0]


def responses() -> Iterator[tuple[str, Json]]:
    """All refusals, by name."""
    for status, words in _WORDS.items():
        name, _, description = words.partition(": ")
        response: Json = {
            "description": description[0].upper() + description[1:],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        if status in _MAY_WAIT:
            response["headers"] = {"Retry-After": RETRY_AFTER}
        elif status == 401:
            response["headers"] = {
                "WWW-Authenticate": {"schema": {"type": "string"}, "required": True}
            }
        yield name, response


def statuses(operation: Operation, method: str, path: str, doc: Json) -> list[int]:
    """The statuses that an operation may refuse with, in order."""
    found = {503, *operation.refuses}
    if operation.may is not Anybody.OPEN:
        found.add(401)
        if operation.may is not Anybody.KNOWN or method != "get":
            found.add(403)
    if "{" in path:
        found |= {404, 414}
    if any(parameter["in"] == "query" for parameter in doc.get("parameters", ())):
        found |= {414, 422}
        if any(parameter["name"] == "cursor" for parameter in doc["parameters"]):
            found.add(400)
    if "requestBody" in doc:
        found |= {400, 408, 413, 415, 422}
    if operation.creates:
        found |= {400, 409, 422}
    if operation.guarded or operation.replaces:
        found |= {400, 412, 428}
    return sorted(found - set(operation.answers))
