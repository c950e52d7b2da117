"""Every example of ``/openapi.json`` is sent to a real server and does what it says."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.api.description.examples import AGENT, BODIES
from app.domain.access import Role
from tests.integration.people import PASSWORD, Browser, join, person, sign_in
from tests.integration.rest import Answer, Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

EXAMPLES = [(operation, name) for operation, named in BODIES.items() for name in named]
OWN_ACCOUNT = {"choose_project", "create_project", "set_own_password", "sign_in"}
"""They take a person; the others take an admin's key."""


def operations(url: str) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each operation."""
    paths = Rest(url).get("/openapi.json").ok()["paths"]
    return {
        doc["operationId"]: (method.upper(), path, doc)
        for path, methods in paths.items()
        for method, doc in methods.items()
        if method in {"get", "post", "put", "patch", "delete"}
    }


@pytest.mark.parametrize(("operation", "name"), EXAMPLES)
def test_the_example_succeeds(
    tenant: Tenant, neighbour: Tenant, engine: Engine, operation: str, name: str
) -> None:
    method, path, doc = operations(tenant.url)[operation]
    shown = doc["requestBody"]["content"]["application/json"]["examples"][name]["value"]
    assert shown == BODIES[operation][name]["value"]
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    if operation not in {"register_agent", "send_events"}:
        admin.post("/v1/agents", {"agent_id": AGENT}).ok(201)
    ids = {"agent_id": AGENT, "project_id": str(tenant.project_id)}
    if "{task_id}" in path:
        task = admin.post("/v1/tasks", {"title": "x", "agent_id": AGENT}).ok(201)
        ids["task_id"] = task["task_id"]
    somebody = person(engine, tenant, Role.ADMIN)
    ids["user_id"] = str(person(engine, tenant, Role.VIEWER).user_id)
    join(engine, neighbour, somebody, Role.VIEWER)
    body = _of_this_world(shown, email=somebody.email, project_id=str(neighbour.project_id))
    headers = {"Content-Type": "application/json"}
    if method == "PUT":
        headers["If-None-Match"] = "*"
    elif any(parameter["name"] == "If-Match" for parameter in doc["parameters"]):
        headers["If-Match"] = "*"
    sender = admin
    if operation == "sign_in":
        sender = Rest(tenant.url)
    elif operation in OWN_ACCOUNT:
        sender = Rest(tenant.url)
        browser: Browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
        headers |= {**browser.cookie, "X-CSRF-Token": browser.csrf_token}
    answer: Answer = sender.request(method, path.format(**ids), json.dumps(body).encode(), headers)
    assert str(answer.status) in doc["responses"]
    assert answer.status < 300, answer.body


def _of_this_world(body: Any, *, email: str, project_id: str) -> Any:
    """The example with what must be somebody's own, or new to all projects."""
    if not isinstance(body, dict):
        return body
    own: dict[str, Any] = {"project_id": project_id}
    own["email"] = email if "password" in body else f"{uuid4().hex}@example.org"
    if body.keys() == {"name"}:
        own["name"] = f"{body['name']} {uuid4().hex}"
    return {**body, **{name: value for name, value in own.items() if name in body}}


def test_all_examples_are_shown(tenant: Tenant) -> None:
    assert set(BODIES) <= set(operations(tenant.url))
