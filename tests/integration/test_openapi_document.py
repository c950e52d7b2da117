"""``/openapi.json`` names every route of the API, and says of each who may use it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.domain.access import PERMISSIONS, Permission
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant
from tests.integration.test_walls import KNOWN, OPEN, PERSON, ROUTES, SOCKETS

pytestmark = pytest.mark.e2e

PAGES = re.compile(r"GET /(<any.*|assets/.*|docs.*|openapi\.json)?$")
"""What is for browsers, and no part of the API."""


def described(tenant: Tenant) -> dict[str, dict[str, Any]]:
    paths = Rest(tenant.url).get("/openapi.json").ok()["paths"]
    return {
        f"{method.upper()} {path}": doc
        for path, methods in paths.items()
        for method, doc in methods.items()
        if method != "parameters"
    }


def test_every_route_is_described_with_who_may_use_it(tenant: Tenant) -> None:
    documents = described(tenant)
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route): may
        for route, (may, _) in ROUTES.items()
        if route not in SOCKETS and not PAGES.match(route)
    }
    assert set(documents) == set(routes)
    for route, may in routes.items():
        text, security = documents[route]["description"], documents[route]["security"]
        assert (security == []) is (may == OPEN), route
        assert ({"bearer": []} in security) is (may not in {OPEN, PERSON}), route
        if isinstance(may, Permission) and may not in {OPEN, KNOWN, PERSON}:
            told = set(re.findall(r"`(\w+)`", text.rpartition("Roles: ")[2]))
            assert told == {role.value for role in PERMISSIONS if may in PERMISSIONS[role]}, route


def test_no_two_operations_have_one_name(tenant: Tenant) -> None:
    names = [document["operationId"] for document in described(tenant).values()]
    assert len(set(names)) == len(names)


def test_every_answer_is_described(tenant: Tenant) -> None:
    for route, document in described(tenant).items():
        assert "default" not in document["responses"], route
        for status, response in document["responses"].items():
            refused = int(status) >= 400 and not (route == "GET /readyz" and status == "503")
            assert ("$ref" in response) is refused, (route, status)
            assert refused or status == "204" or response["content"], (route, status)
