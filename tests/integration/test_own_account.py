"""What people do for themselves: go on in another project, set their password."""

from __future__ import annotations

import hashlib
import json
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.core.redis import create_redis
from app.domain.access import Role
from launcher.stack import Stack
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.people import PASSWORD, Person, join, person, sign_in
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


@pytest.fixture
def both(engine: Engine, tenant: Tenant, neighbour: Tenant) -> Person:
    """An admin of the tenant who looks on at the neighbour."""
    somebody = person(engine, tenant, Role.ADMIN)
    join(engine, neighbour, somebody, Role.VIEWER)
    return somebody


def test_a_session_goes_on_in_another_project(
    both: Person, tenant: Tenant, neighbour: Tenant, second_url: str
) -> None:
    neighbour.sender.send(event(agent_id="theirs"))
    browser = sign_in(tenant.url, email=both.email, password=PASSWORD)
    me = browser.get("/v1/auth/me").ok()
    assert [(project["name"], project["role"]) for project in me["projects"]] == [
        (tenant.name, "admin"),
        (neighbour.name, "viewer"),
    ]
    browser.get("/v1/users").ok()
    chosen = browser.write("POST", "/v1/auth/project", {"project_id": str(neighbour.project_id)})
    assert chosen.ok() == {
        **me,
        "role": "viewer",
        "project": {"id": str(neighbour.project_id), "name": neighbour.name},
    }
    # At once, in every process, and with all that follows from it.
    elsewhere = Rest(second_url)
    assert elsewhere.get("/v1/auth/me", browser.cookie).ok() == chosen.json
    elsewhere.get("/v1/users", browser.cookie).problem(403, "forbidden")
    [item] = browser.get("/v1/events").ok()["items"]
    assert item["agent_id"] == "theirs"
    with DashboardSocket(tenant.url, headers=browser.cookie) as viewer:
        viewer.live()
    browser.write("POST", "/v1/auth/project", {"project_id": str(tenant.project_id)}).ok()
    assert browser.get("/v1/events").ok()["items"] == []
    browser.get("/v1/users").ok()


def test_nobody_goes_where_one_does_not_belong(
    engine: Engine, both: Person, tenant: Tenant, neighbour: Tenant
) -> None:
    somebody = person(engine, tenant, Role.ADMIN)
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    for project_id in (str(neighbour.project_id), str(uuid4())):
        answer = browser.write("POST", "/v1/auth/project", {"project_id": project_id})
        answer.problem(404, "not_found")
    browser.write("POST", "/v1/auth/project", {"project_id": "x"}).problem(422, "unprocessable")
    browser.write("POST", "/v1/auth/project", {}).problem(422, "unprocessable")
    assert browser.get("/v1/auth/me").ok()["project"]["name"] == tenant.name
    choice = {"project_id": str(tenant.project_id)}
    key = Rest(tenant.url, tenant.keys[Role.ADMIN])
    key.post("/v1/auth/project", choice).problem(403, "forbidden")
    Rest(tenant.url).post("/v1/auth/project", choice, browser.cookie).problem(403, "forbidden")
    # One whose door is shut there cannot go there either.
    admin = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    admin.patch(f"/v1/users/{both.user_id}", {"disabled": True}, 1).ok()
    theirs = sign_in(tenant.url, email=both.email, password=PASSWORD)
    answer = theirs.write("POST", "/v1/auth/project", {"project_id": str(neighbour.project_id)})
    answer.problem(404, "not_found")


def test_a_password_of_ones_own(both: Person, tenant: Tenant) -> None:
    """Also for somebody whose password no admin may set: it opens several projects."""
    mine, other = (sign_in(tenant.url, email=both.email, password=PASSWORD) for _ in range(2))
    new = "another " + PASSWORD
    mine.write("POST", "/v1/auth/password", {"password": new}).problem(403, "forbidden")
    wrong = {"password": new, "current": "wrong"}
    mine.write("POST", "/v1/auth/password", wrong).problem(401, "unauthenticated")
    right = {"password": new, "current": PASSWORD}
    short = {**right, "password": "short"}
    mine.write("POST", "/v1/auth/password", short).problem(422, "unprocessable")
    assert mine.write("POST", "/v1/auth/password", right).status == 204
    mine.get("/v1/auth/me").ok()
    other.get("/v1/auth/me").problem(401, "unauthenticated")
    sign_in(tenant.url, email=both.email, password=new)
    given = {"email": both.email, "password": PASSWORD}
    Rest(tenant.url).post("/v1/auth/login", given).problem(401, "unauthenticated")


def test_who_came_by_a_ticket_sets_the_first_password(tenant: Tenant) -> None:
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    email = f"{uuid4().hex}@example.org"
    ticket = admin.post("/v1/users", {"email": email, "role": "viewer"}).ok(201)["ticket"]
    given = {"email": email, "password": PASSWORD}
    Rest(tenant.url).post("/v1/auth/login", given).problem(401, "unauthenticated")
    browser = sign_in(tenant.url, ticket=ticket)
    assert browser.write("POST", "/v1/auth/password", {"password": PASSWORD}).status == 204
    sign_in(tenant.url, email=email, password=PASSWORD)
    answer = browser.write("POST", "/v1/auth/password", {"password": PASSWORD * 2})
    answer.problem(403, "forbidden")


def test_a_session_outlives_all_web_processes(
    spare: Stack, spare_engine: Engine, spare_tenant: Tenant
) -> None:
    somebody = person(spare_engine, spare_tenant, Role.VIEWER)
    browser = sign_in(spare.url, email=somebody.email, password=PASSWORD)
    for name in ("web", "web-2"):
        spare.kill(name)
        spare.start(name)
    spare.wait_ready()
    assert browser.get("/v1/auth/me").ok()["user"]["email"] == somebody.email


def test_a_session_of_an_older_version_goes_on_and_ends(
    stack: Stack, engine: Engine, tenant: Tenant
) -> None:
    somebody = person(engine, tenant, Role.VIEWER)
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    redis = create_redis(stack.redis_url, max_connections=1)
    name = hashlib.sha256(browser.cookie["Cookie"].partition("=")[2].encode()).hexdigest()
    kept = json.loads(redis.get(f"telltale:session:{name}"))  # type: ignore[arg-type]
    redis.set(f"telltale:session:{name}", json.dumps({**kept, "session_id": ""}), ex=60)
    redis.connection_pool.disconnect()
    with DashboardSocket(tenant.url, headers=browser.cookie) as viewer:
        viewer.live()
        assert browser.write("POST", "/v1/auth/logout").status == 204
        assert viewer.bye()["reason"] == "session_ended"
