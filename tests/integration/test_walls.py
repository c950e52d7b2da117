"""The walls: on every route, who may what, and that nothing of another project is seen or changed.

A route that is not in ``ROUTES`` fails the first test: whoever adds one says here who may use it.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.domain.access import PERMISSIONS, Permission, Role
from app.factory import create_app
from app.settings import Settings
from app.storage.resource_tables import metadata
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.event_source import stream
from tests.integration.people import PASSWORD, person, sign_in
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

READ, SEND, MANAGE, OPERATE, ADMINISTER = Permission
OPEN: Final = "open"
"""No credential is needed."""
KNOWN: Final = "known"
"""Any credential will do."""
PERSON: Final = "person"
"""It takes a session; keys are refused."""


class Route(NamedTuple):
    """Who may use a route, and a body that it takes."""

    may: Permission | str
    body: Any = None


AGENT = "/v1/agents/<path:agent_id>"
TASK = "/v1/tasks/<path:task_id>"

ROUTES: Final = {
    "GET /": Route(OPEN),
    "GET /<any('favicon.svg', 'favicon.ico', 'robots.txt'):name>": Route(OPEN),
    "GET /assets/<path:name>": Route(OPEN),
    "GET /docs": Route(OPEN),
    "GET /docs/<any('docs.css', 'docs.js', 'swagger-ui-bundle.js', 'swagger-ui.css'):name>": Route(
        OPEN
    ),
    "GET /healthz": Route(OPEN),
    "GET /metrics": Route(OPEN),
    "GET /openapi.json": Route(OPEN),
    "GET /readyz": Route(OPEN),
    "POST /v1/auth/login": Route(OPEN, {"email": "a@b", "password": "wrong"}),
    "GET /v1/auth/me": Route(KNOWN),
    "POST /v1/auth/token": Route(KNOWN),
    "POST /v1/auth/socket-token": Route(KNOWN),
    "POST /v1/auth/logout": Route(PERSON),
    "POST /v1/auth/password": Route(PERSON, {"password": PASSWORD}),
    "POST /v1/auth/project": Route(PERSON, {"project_id": "{project_id}"}),
    "GET /v1/agents": Route(READ),
    "POST /v1/agents": Route(SEND, {"agent_id": "{agent_id}", "name": "x"}),
    f"GET {AGENT}": Route(READ),
    f"GET {AGENT}/commands": Route(READ),
    f"POST {AGENT}/commands": Route(MANAGE, {"name": "pause"}),
    f"GET {AGENT}/commands/<uuid:command_id>": Route(READ),
    f"GET {AGENT}/config": Route(READ),
    f"PUT {AGENT}/config": Route(MANAGE, {"a": 2}),
    f"GET {AGENT}/config/diff": Route(READ),
    f"GET {AGENT}/config/history": Route(READ),
    f"GET {AGENT}/config/history/<int:version>": Route(READ),
    f"GET {AGENT}/state": Route(READ),
    "GET /v1/api-keys": Route(ADMINISTER),
    "POST /v1/api-keys": Route(ADMINISTER, {"name": "x", "role": "viewer"}),
    "GET /v1/api-keys/<key_id>": Route(ADMINISTER),
    "DELETE /v1/api-keys/<key_id>": Route(ADMINISTER),
    "GET /v1/audit": Route(ADMINISTER),
    "GET /v1/config-schema": Route(READ),
    "PUT /v1/config-schema": Route(ADMINISTER, {"type": "object"}),
    "DELETE /v1/config-schema": Route(ADMINISTER),
    "GET /v1/events": Route(READ),
    "POST /v1/events": Route(SEND, {"type": "a", "agent_id": "{agent_id}"}),
    "GET /v1/events/<path:event_id>": Route(READ),
    "GET /v1/ledger": Route(READ),
    "GET /v1/projects": Route(ADMINISTER),
    "POST /v1/projects": Route(PERSON, {"name": "{fresh}"}),
    "GET /v1/projects/<uuid:project_id>": Route(ADMINISTER),
    "PATCH /v1/projects/<uuid:project_id>": Route(ADMINISTER, {"name": "{fresh}"}),
    "GET /v1/stream": Route(READ),
    "GET /v1/tasks": Route(READ),
    "POST /v1/tasks": Route(
        MANAGE, {"title": "x", "agent_id": "{agent_id}", "parent_id": "{task_id}"}
    ),
    f"GET {TASK}": Route(READ),
    f"PATCH {TASK}": Route(MANAGE, {"title": "x"}),
    f"POST {TASK}/cancel": Route(MANAGE),
    f"GET {TASK}/events": Route(READ),
    f"GET {TASK}/tree": Route(READ),
    "GET /v1/users": Route(ADMINISTER),
    "POST /v1/users": Route(ADMINISTER, {"email": "{fresh}@example.org", "role": "viewer"}),
    "GET /v1/users/<uuid:user_id>": Route(ADMINISTER),
    "PATCH /v1/users/<uuid:user_id>": Route(ADMINISTER, {"role": "admin"}),
    "DELETE /v1/users/<uuid:user_id>": Route(ADMINISTER),
    "GET /ws/agent": Route(SEND),
    "GET /ws/dashboard": Route(READ),
}
SOCKETS: Final = {"GET /ws/agent", "GET /ws/dashboard"}
UPGRADE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
ABOUT_ALL: Final = {"GET /metrics", "GET /v1/ledger", "GET /openapi.json"}
"""Figures of the whole installation, without a name of anything in it."""
MAKE_ONES_OWN: Final = {"POST /v1/agents", "POST /v1/events"}
"""An agent's id is its project's: a stranger who uses it has another agent of that name."""


def test_every_route_is_in_the_table() -> None:
    app = create_app(
        Settings.from_env(
            {
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
                "REDIS_URL": "redis://127.0.0.1:1",
                "SECRET_KEY": "s" * 32,
            }
        )
    )
    found = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or {"GET"}) - {"HEAD", "OPTIONS"}
    }
    assert found == set(ROUTES)


Ids = dict[str, str]


def path_of(route: str, ids: Ids) -> str:
    """The path of a route with these ids in it."""

    def value(match: re.Match[str]) -> str:
        return quote(ids.get(match[1], "nothing"), safe="")

    return re.sub(r"<(?:[^:>]*(?:\([^)]*\))?:)?(\w+)>", value, route.partition(" ")[2])


def body_of(route: str, ids: Ids) -> Any:
    """The body of a route with these ids in it."""
    encoded = json.dumps(ROUTES[route].body)
    for name, value in {**ids, "fresh": uuid4().hex}.items():
        encoded = encoded.replace(f"{{{name}}}", value)
    return json.loads(encoded)


def world(tenant: Tenant, engine: Engine) -> Ids:
    """Things of every kind in a project, and their ids."""
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    agent_id, event_id = f"agent-{uuid4().hex}", uuid4().hex
    tenant.sender.send(event(agent_id=agent_id, id=event_id))
    task = admin.post("/v1/tasks", {"title": "secret", "agent_id": agent_id}).ok(201)
    admin.put(f"/v1/agents/{agent_id}/config", {"a": 1}, first=True)
    command = admin.post(f"/v1/agents/{agent_id}/commands", {"name": "pause"}).ok(201)
    key = admin.post("/v1/api-keys", {"name": "spare", "role": "viewer"}).ok(201)
    person(engine, tenant, Role.ADMIN)
    ids = {
        "agent_id": agent_id,
        "event_id": event_id,
        "task_id": task["task_id"],
        "command_id": command["command_id"],
        "version": "1",
        "key_id": key["key_id"],
        "user_id": str(person(engine, tenant, Role.VIEWER).user_id),
        "project_id": str(tenant.project_id),
    }
    wait_until(
        lambda: not rows(engine, tenant)["outbox"],
        timeout_s=10,
        what=lambda: "the outbox does not empty",
    )
    return ids


def rows(engine: Engine, tenant: Tenant) -> dict[str, list[str]]:
    """All that the database holds of a project, but for signs of life."""
    found = {}
    with engine.connect() as connection:
        for name, table in metadata.tables.items():
            if "project_id" in table.columns and not name.startswith("events_"):
                found[name] = sorted(
                    connection.execute(
                        text(
                            "SELECT (to_jsonb(t) - 'liveness' - 'last_seen_at')::text"
                            f" FROM {name} AS t WHERE project_id = :project"
                        ),
                        {"project": tenant.project_id},
                    ).scalars()
                )
    return found


def ask(url: str, route: str, ids: Ids, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """What a route answers: its status, and its body if that ever ends."""
    method = route.partition(" ")[0]
    body = body_of(route, ids)
    given = {"If-Match": "*", "Connection": "close", **headers}
    if body is not None:
        given["Content-Type"] = "application/json"
    path = path_of(route, ids) + ("?from=1&to=1" if route.endswith("/diff") else "")
    if route in SOCKETS:
        given |= UPGRADE
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body), given)
        response = connection.getresponse()
        endless = route == "GET /v1/stream" or response.status == 101
        return response.status, b"" if endless else response.read()
    finally:
        connection.close()


def credentials_of(tenant: Tenant, engine: Engine, role: Role) -> dict[str, dict[str, str]]:
    """A key and a session of a role, as headers."""
    browser = sign_in(tenant.url, email=person(engine, tenant, role).email, password=PASSWORD)
    return {
        "key": {"Authorization": f"Bearer {tenant.keys[role]}"},
        "session": {**browser.cookie, "X-CSRF-Token": browser.csrf_token},
    }


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_the_table_says(tenant: Tenant, engine: Engine, role: Role) -> None:
    ids = world(tenant, engine)
    for kind, headers in credentials_of(tenant, engine, role).items():
        for route, (may, _) in ROUTES.items():
            if may == PERSON and kind == "session":
                continue  # the tests of one's own account do that
            status, body = ask(tenant.url, route, ids, headers)
            if may == PERSON:
                assert status in {401, 403}, (kind, route, body)
            elif may in {OPEN, KNOWN} or may in PERMISSIONS[role]:
                login = route == "POST /v1/auth/login"
                assert status not in {401, 403} or login, (kind, route, body)
            else:
                assert status == 403, (kind, route, body)


def test_without_a_credential_only_what_is_open(tenant: Tenant, engine: Engine) -> None:
    ids = world(tenant, engine)
    before = rows(engine, tenant)
    for route, (may, _) in ROUTES.items():
        status, body = ask(tenant.url, route, ids, {})
        if may != OPEN:
            assert status == 401, (route, body)
    assert rows(engine, tenant) == before


def test_a_stranger_sees_nothing_and_changes_nothing(
    tenant: Tenant, neighbour: Tenant, engine: Engine
) -> None:
    ids = world(tenant, engine)
    before = rows(engine, tenant)
    names = [value.encode() for name, value in ids.items() if name != "version"]
    credentials = credentials_of(neighbour, engine, Role.ADMIN)
    left_out = {"POST /v1/auth/login", "POST /v1/auth/logout"} | SOCKETS | ABOUT_ALL
    asked = [route for route in ROUTES if route not in left_out]
    for route in sorted(asked, key=lambda route: route in MAKE_ONES_OWN):
        for kind, headers in credentials.items():
            status, body = ask(neighbour.url, route, ids, headers)
            if "<" in route and not route.startswith("GET /<any"):
                empty = status == 200 and json.loads(body) == {"items": [], "next": None}
                assert status in {403, 404} or empty, (kind, route, status, body)
            if route not in MAKE_ONES_OWN:
                assert not [name for name in names if name in body], (kind, route, body)
            assert rows(engine, tenant) == before, (kind, route)


def test_a_stranger_hears_nothing_live(tenant: Tenant, neighbour: Tenant, engine: Engine) -> None:
    ids = world(tenant, engine)
    with (
        DashboardSocket(neighbour.url, neighbour.viewer) as viewer,
        stream(neighbour) as source,
    ):
        viewer.live(filter={"agent_ids": [ids["agent_id"]]})
        tenant.sender.send(event(agent_id=ids["agent_id"]))
        with AgentSocket(neighbour.url, neighbour.agent, ids["agent_id"]) as agent:
            assert agent.welcome["stored"] == 0
            mine = event(agent_id=ids["agent_id"])
            neighbour.sender.send(mine)
        [heard] = source.events(1)
        assert heard["id"] == mine["id"]
