"""Request bodies that are no marshmallow schema: any JSON, and events."""

from __future__ import annotations

from typing import Any, Final

from app.schemas.described import NO_NUL

Json = dict[str, Any]

ANY_JSON: Final[Json] = {"application/json": {"schema": {}}}
JSON_SCHEMA: Final[Json] = {
    "application/json": {"schema": {"type": "object", "description": "A JSON Schema."}}
}
LOGIN: Final[Json] = {
    "application/json": {
        "schema": {
            "oneOf": [
                {
                    "type": "object",
                    "title": "PasswordLogin",
                    "additionalProperties": False,
                    "properties": {
                        "email": {"type": "string", "maxLength": 320, **NO_NUL, "minLength": 1},
                        "password": {
                            "type": "string",
                            "maxLength": 1000,
                            **NO_NUL,
                            "minLength": 1,
                            "format": "password",
                        },
                    },
                    "required": ["email", "password"],
                },
                {
                    "type": "object",
                    "title": "TicketLogin",
                    "additionalProperties": False,
                    "properties": {
                        "ticket": {"type": "string", "minLength": 1, "maxLength": 200, **NO_NUL}
                    },
                    "required": ["ticket"],
                },
            ]
        }
    }
}

_TEXT: Final[Json] = {"type": ["string", "null"], "maxLength": 128, **NO_NUL}
EVENT: Final[Json] = {
    "type": "object",
    "description": "Something that an agent did.",
    "additionalProperties": False,
    "properties": {
        "id": {
            "type": ["string", "null"],
            "pattern": "^[!-~]{1,64}$",
            "description": "Unique; a UUIDv7 is best. Without one, a retry is not recognised.",
        },
        "type": {
            "type": "string",
            "maxLength": 64,
            "pattern": r"^[a-z0-9_]+(\.[a-z0-9_]+)*$",
        },
        "agent_id": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        "time": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": "At most 5 minutes ahead and 30 days back; missing, it is now.",
        },
        "task_id": _TEXT,
        "trace_id": _TEXT,
        "severity": {
            "type": "string",
            "enum": ["debug", "info", "warning", "error", "critical"],
            "default": "info",
        },
        "data": {"type": "object", "description": "Up to 64 KiB."},
    },
    "required": ["type", "agent_id"],
}
CLOUD_EVENT: Final[Json] = {
    "type": "object",
    "description": "A CloudEvent 1.0; `source` is the agent's id.",
    "properties": {
        "specversion": {"type": "string", "const": "1.0"},
        "id": {"type": "string", "pattern": "^[!-~]{1,64}$"},
        "type": {
            "type": "string",
            "maxLength": 64,
            "pattern": r"^[a-z0-9_]+(\.[a-z0-9_]+)*$",
        },
        "source": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        "time": {"type": ["string", "null"], "format": "date-time"},
        "data": {"type": "object"},
    },
    "required": ["specversion", "id", "type", "source"],
}

NAMED: Final = {"Event": EVENT, "CloudEvent": CLOUD_EVENT}
"""What the document holds under a name."""

_EVENT: Final = {"$ref": "#/components/schemas/Event"}
_CLOUD_EVENT: Final = {"$ref": "#/components/schemas/CloudEvent"}
EVENTS: Final[Json] = {
    "application/json": {
        "schema": {
            "oneOf": [_EVENT, {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": 1000}]
        }
    },
    "application/x-ndjson": {
        "schema": {"type": "string", "description": "One event a line."},
    },
    "application/cloudevents+json": {"schema": _CLOUD_EVENT},
    "application/cloudevents-batch+json": {
        "schema": {"type": "array", "items": _CLOUD_EVENT, "minItems": 1, "maxItems": 1000}
    },
}
