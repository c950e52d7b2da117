"""The document at ``/openapi.json``: what all routes share, and each operation spelled out."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from apispec import APISpec, BasePlugin
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api

from app.api.description import headers, media, refusals
from app.api.description.components import Components
from app.api.description.examples import BODIES
from app.api.description.operation import KEY, Anybody, Operation
from app.domain.access import PERMISSIONS, Permission
from app.schemas.described import stored_text, whole_pattern

Json = dict[str, Any]

_ABOUT: Final = """\
The live picture of a fleet of AI agents: send events, read history, create tasks, set
configurations, give commands.

**Credentials.** `Authorization: Bearer` with an API key (`tt_…`) or an access token from
`POST /v1/auth/token`. A browser has a session cookie, and sends the session's `csrf_token` as
`X-CSRF-Token` with every write. What belongs to another project answers 404.

**Errors** are `application/problem+json` (RFC 9457): `code` is a stable word, `errors` points at
fields.

**Lists** take `limit` and `cursor`, and answer `{"items": […], "next": "…" or null}`.

**Versions.** What has an `ETag` is changed with `If-Match`: without it 428, with an old one 412.

**Retries.** A POST that creates takes an `Idempotency-Key`, and is then safe to send again.

Agents and dashboards speak over sockets too (`/ws/agent`, `/ws/dashboard`): `docs/protocol.md`.
"""
_SECURITY: Final[Json] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key (`tt_…`) or an access token.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "telltale_session",
        "description": "A browser's session, from `POST /v1/auth/login`.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "The session's `csrf_token`, which every write of a browser carries.",
    },
}


def create_api(app: Flask) -> Api:
    """What blueprints are registered with; it serves the document."""
    app.config.update(
        API_TITLE="Telltale",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
    )
    fields = MarshmallowPlugin()
    api = Api(
        app,
        spec_kwargs={
            "info": {"description": _ABOUT, "license": {"name": "MIT"}},
            "marshmallow_plugin": fields,
            "extra_plugins": [_Spelled(fields)],
        },
    )
    converter: Any = fields.converter
    converter.add_attribute_function(whole_pattern)
    converter.add_attribute_function(stored_text)
    for unused in ("Error", "PaginationMetadata"):
        del api.spec.components.schemas[unused]
    return api


class _Spelled(BasePlugin):
    """Spells out what ``described`` has left in each operation."""

    def __init__(self, fields: MarshmallowPlugin) -> None:
        self._fields = fields
        self._components: Components | None = None

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        self._components = Components(spec, self._fields.converter)
        for name, schema in {"Problem": refusals.PROBLEM, **media.NAMED}.items():
            spec.components.schema(name, schema)
        for name, response in refusals.responses():
            spec.components.response(name, response)
        for name, scheme in _SECURITY.items():
            spec.components.security_scheme(name, scheme)

    def operation_helper(
        self, path: str | None = None, operations: Json | None = None, **_: Any
    ) -> None:
        """Called by apispec for each path."""
        for method, doc in (operations or {}).items():
            operation = doc.pop(KEY, None)
            assert operation is not None, f"{method} {path} is not described"
            self._spell(operation, method, path or "", doc)

    def _spell(self, operation: Operation, method: str, path: str, doc: Json) -> None:
        assert self._components is not None
        doc["operationId"] = operation.name
        doc["description"] = "\n\n".join(
            text for text in (doc.get("description", ""), _who(operation)) if text
        )
        doc["security"] = _security(operation.may, method)
        doc["parameters"] = [*doc.get("parameters", ()), *_header_parameters(operation)]
        if operation.body is not None:
            doc["requestBody"] = {"required": True, "content": dict(operation.body)}
        if operation.name in BODIES:
            content = doc["requestBody"]["content"]
            content["application/json"]["examples"] = BODIES[operation.name]
        doc["responses"] = {
            str(status): self._response(operation, status) for status in operation.answers
        } | {
            str(status): {"$ref": f"#/components/responses/{refusals.name_of(status)}"}
            for status in refusals.statuses(operation, method, path, doc)
        }

    def _response(self, operation: Operation, status: int) -> Json:
        assert self._components is not None
        answer = operation.answers[status]
        response: Json = {"description": HTTPStatus(status).phrase}
        if answer is not None:
            response["content"] = self._components.content(answer)
        carried = {}
        if operation.tagged and answer is not None:
            carried["ETag"] = headers.ETAG
        if operation.located and status == 201:
            carried["Location"] = headers.LOCATION
        if operation.creates:
            carried["Idempotency-Replayed"] = headers.REPLAYED
        if carried:
            response["headers"] = carried
        return response


def _header_parameters(operation: Operation) -> list[Json]:
    names = [*operation.headers]
    if operation.creates:
        names.append("Idempotency-Key")
    if operation.guarded or operation.replaces:
        names.append("If-Match")
    if operation.replaces:
        names.append("If-None-Match")
    required = headers.REQUIRED if not operation.replaces else set()
    return [headers.parameter(name, required=name in required) for name in names]


def _who(operation: Operation) -> str:
    may = operation.may
    if may is Anybody.OPEN:
        return "It takes no credential."
    if may is Anybody.KNOWN:
        return "Any credential will do."
    if may is Anybody.PERSON:
        return "It takes a browser's session."
    roles = ", ".join(f"`{role}`" for role, granted in PERMISSIONS.items() if may in granted)
    own = " An agent's own key may read what is that agent's." if operation.own else ""
    return f"Roles: {roles}.{own}"


def _security(may: Permission | Anybody, method: str) -> list[Json]:
    session: Json = {"session": []} if method == "get" else {"session": [], "csrf": []}
    if may is Anybody.OPEN:
        return []
    if may is Anybody.PERSON:
        return [session]
    return [{"bearer": []}, session]
