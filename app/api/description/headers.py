"""The headers that requests may carry and answers come with."""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

PARAMETERS: Final[dict[str, Json]] = {
    "Idempotency-Key": {
        "description": "Makes it safe to send the request again: for 24 hours the first answer is "
        "given again, with `Idempotency-Replayed: true`.",
        "schema": {"type": "string", "pattern": "^[ -~]{1,257}$"},
    },
    "If-Match": {
        "description": "The ETag of what you change, or `*` for any.",
        "schema": {"type": "string", "pattern": r'^(\*|"[0-9]{1,17}"(, "[0-9]{1,17}")*)$'},
        "example": "*",
    },
    "If-None-Match": {
        "description": "`*` if there must be none yet.",
        "schema": {"type": "string", "enum": ["*"]},
    },
    "Prefer": {
        "description": "`wait=<seconds up to 10>`: answer once the events are stored.",
        "schema": {"type": "string"},
        "example": "wait=5",
    },
    "Last-Event-ID": {
        "description": "Go on behind this message: the `id` of the last one that was seen.",
        "schema": {"type": "string"},
    },
}
REQUIRED: Final = {"If-Match"}

ETAG: Final[Json] = {
    "description": "The version, for If-Match.",
    "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    "required": True,
}
LOCATION: Final[Json] = {
    "description": "Where the new thing is.",
    "schema": {"type": "string", "format": "uri-reference"},
    "required": True,
}
REPLAYED: Final[Json] = {
    "description": "This is the first answer to this Idempotency-Key.",
    "schema": {"type": "string", "const": "true"},
}


def parameter(name: str, *, required: bool) -> Json:
    """A header as a parameter of an operation."""
    return {"name": name, "in": "header", "required": required, **PARAMETERS[name]}
