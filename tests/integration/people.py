"""People for the tests: a user of a project, and a browser that is signed in as one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from uuid import UUID, uuid4

from argon2 import PasswordHasher
from sqlalchemy import Engine

from app.domain.access import Role
from app.storage import members, people
from tests.integration.rest import Answer, Rest
from tests.integration.tenants import Tenant

PASSWORD = "correct horse battery staple"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Its hash, checked at once: what the product makes of a password takes a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user with ``PASSWORD``."""

    user_id: UUID
    email: str


def person(engine: Engine, tenant: Tenant, role: Role, *, password_hash: str = QUICK) -> Person:
    """A new user of a project."""
    email = f"{uuid4().hex}@example.org"
    with engine.begin() as connection:
        project = people.Project(tenant.project_id, tenant.name)
        user_id = people.ensure_member(connection, project, email, password_hash, role)
    return Person(user_id, email)


def join(engine: Engine, tenant: Tenant, somebody: Person, role: Role) -> None:
    """Make somebody belong to one more project."""
    with engine.begin() as connection:
        assert members.add(connection, tenant.project_id, somebody.user_id, role)


def sign_in(url: str, **credentials: str) -> Browser:
    """A browser that is signed in with ``email`` and ``password``, or with a ``ticket``."""
    answer = Rest(url).post("/v1/auth/login", credentials)
    me = answer.ok()
    [(name, morsel)] = SimpleCookie(answer.cookies[0]).items()
    return Browser(url, {"Cookie": f"{name}={morsel.value}"}, me["csrf_token"])


@dataclass(frozen=True, slots=True)
class Browser:
    """A session. Its writes carry the CSRF token."""

    url: str
    cookie: dict[str, str]
    csrf_token: str

    def get(self, path: str, **query: Any) -> Answer:
        return Rest(self.url).get(path, self.cookie, **query)

    def write(
        self, method: str, path: str, body: Any = None, version: object = None, **headers: str
    ) -> Answer:
        given = {**self.cookie, "X-CSRF-Token": self.csrf_token, **headers}
        if version is not None:
            given["If-Match"] = f'"{version}"'
        if body is not None:
            given["Content-Type"] = "application/json"
        encoded = None if body is None else json.dumps(body).encode()
        return Rest(self.url).request(method, path, encoded, given)


def new_email() -> str:
    return f"{uuid4().hex}@example.org"


def let_in(admin: Rest, role: str = "viewer", **fields: str) -> dict[str, Any]:
    body: dict[str, Any] = admin.post(
        "/v1/users", {"email": new_email(), "role": role, **fields}
    ).ok(201)
    return body


def path_of(user: dict[str, Any]) -> str:
    return f"/v1/users/{user['user_id']}"


def remove(admin: Rest, user: dict[str, Any], version: int = 1) -> Answer:
    return admin.request("DELETE", path_of(user), None, {"If-Match": f'"{version}"'})
