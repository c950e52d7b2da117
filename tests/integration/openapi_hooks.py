"""What schemathesis must know that a schema cannot say; it loads this by its configuration.

Only requests that are meant to be accepted are put right; those that are meant to be refused go out
as they were made.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import schemathesis

from app.api.description.examples import AGENT

OWN_KEY_ID = os.environ.get("OPENAPI_KEY", "tt_none_").split("_")[1]


@schemathesis.hook
def before_call(_: Any, case: Any, __: dict[str, Any]) -> None:
    """Make the request one that can succeed, if that is what it is for."""
    if (case.path_parameters or {}).get("key_id") == OWN_KEY_ID:
        # Whoever revokes the key that it asks with learns no more.
        case.path_parameters["key_id"] = "0" * 12
    if case.query and "wait" in case.query:
        case.query["wait"] = case.query["wait"] if _is_odd(case.query["wait"]) else "0"
    if case.meta is None or case.meta.generation.mode is not schemathesis.GenerationMode.POSITIVE:
        return
    _headers(case)
    for name in ("cursor", "after"):
        # Only the server can make one.
        (case.query or {}).pop(name, None)
    for part in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(part, dict):
            _body(case.operation.label, part)


def _is_odd(wait: Any) -> bool:
    """Whether it is no number of seconds that would be waited for."""
    try:
        return not 0 <= float(wait) <= 25
    except (TypeError, ValueError):
        return True


def _headers(case: Any) -> None:
    given = {name.lower() for name in case.headers or {}}
    if "idempotency-key" in given:
        # Each request has one of its own.
        case.headers["Idempotency-Key"] = uuid4().hex
    if case.method == "PUT" and "if-none-match" not in given:
        # One of the two is needed.
        case.headers["If-Match"] = "*"
    elif case.method == "PUT":
        case.headers.pop("If-Match", None)


def _body(label: str, body: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    if body.get("time") is not None:
        body["time"] = now.isoformat()
    if body.get("deadline_at") is not None:
        body["deadline_at"] = (now + timedelta(hours=1)).isoformat()
    if isinstance(body.get("name"), str) and not body["name"].isprintable():
        body["name"] = uuid4().hex
    if "/v1/api-keys" in label and body.get("agent_id") is not None:
        # Only a key of this role may be an agent's own.
        body["role"] = "agent"
    if "/v1/tasks" in label:
        if "agent_id" in body:
            body["agent_id"] = AGENT
        if "parent_id" in body:
            body["parent_id"] = None
