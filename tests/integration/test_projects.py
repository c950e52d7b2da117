"""Projects over REST: those one belongs to, new ones, other names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.domain.access import Role
from tests.integration.people import PASSWORD, Browser, join, person, sign_in
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

PATH = "/v1/projects"


@pytest.fixture
def browser(tenant: Tenant, neighbour: Tenant, engine: Engine) -> Browser:
    """An admin of the tenant who looks on at the neighbour."""
    somebody = person(engine, tenant, Role.ADMIN)
    join(engine, neighbour, somebody, Role.VIEWER)
    return sign_in(tenant.url, email=somebody.email, password=PASSWORD)


def test_an_admin_sees_the_projects_one_belongs_to(
    browser: Browser, tenant: Tenant, neighbour: Tenant
) -> None:
    listed = browser.get(PATH).ok()["items"]
    assert [(project["name"], project["role"]) for project in listed] == [
        (tenant.name, "admin"),
        (neighbour.name, "viewer"),
    ]
    first = browser.get(PATH, limit=1).ok()
    assert browser.get(PATH, limit=1, cursor=first["next"]).ok() == {
        "items": listed[1:],
        "next": None,
    }
    answer = browser.get(f"{PATH}/{neighbour.project_id}")
    assert answer.ok() == listed[1]
    assert answer.headers["etag"] == '"1"'


def test_a_key_sees_its_own_project_and_makes_none(tenant: Tenant, neighbour: Tenant) -> None:
    key = Rest(tenant.url, tenant.keys[Role.ADMIN])
    [project] = key.get(PATH).ok()["items"]
    assert project["name"] == tenant.name
    assert key.get(f"{PATH}/{tenant.project_id}").ok() == project
    key.get(f"{PATH}/{neighbour.project_id}").problem(404, "not_found")
    key.post(PATH, {"name": uuid4().hex}).problem(403, "forbidden")
    assert key.patch(f"{PATH}/{tenant.project_id}", {"name": uuid4().hex}, 1).ok()["version"] == 2


def test_whoever_makes_a_project_is_its_admin(browser: Browser, tenant: Tenant) -> None:
    name = f"made-{uuid4().hex}"
    answer = browser.write("POST", PATH, {"name": name})
    project = answer.ok(201)
    assert answer.headers["location"] == f"{PATH}/{project['project_id']}"
    assert (project["name"], project["role"], project["version"]) == (name, "admin", 1)
    browser.write("POST", PATH, {"name": name}).problem(409, "project_exists")
    browser.write("POST", "/v1/auth/project", {"project_id": project["project_id"]}).ok()
    [member] = browser.get("/v1/users").ok()["items"]
    assert member["role"] == "admin"
    [entry] = browser.get("/v1/audit").ok()["items"]
    assert (entry["action"], entry["resource"]) == ("created", "project")
    # The audit log of the project that it was made from does not tell of another one.
    elsewhere = Rest(tenant.url, tenant.keys[Role.ADMIN])
    assert elsewhere.get("/v1/audit", resource="project").ok()["items"] == []


def test_names_and_versions(browser: Browser, tenant: Tenant, neighbour: Tenant) -> None:
    path, name = f"{PATH}/{tenant.project_id}", uuid4().hex
    browser.write("PATCH", path, {"name": name}).problem(428, "precondition_required")
    assert browser.write("PATCH", path, {"name": name}, 1).ok()["version"] == 2
    assert browser.write("PATCH", path, {"name": name}, 2).ok()["version"] == 2
    answer = browser.write("PATCH", path, {"name": "x"}, 1)
    answer.problem(412, "precondition_failed", "current_version")
    browser.write("PATCH", path, {"name": neighbour.name}, 2).problem(409, "project_exists")
    for wrong in ({}, {"name": ""}, {"name": " x"}, {"name": "a\x00"}, {"name": 1}, {"x": 1}):
        browser.write("PATCH", path, wrong, 2).problem(422, "unprocessable")
    theirs = f"{PATH}/{neighbour.project_id}"
    browser.write("PATCH", theirs, {"name": uuid4().hex}, 1).problem(403, "forbidden")
    browser.get(f"{PATH}/{uuid4()}").problem(404, "not_found")
    browser.get(f"{PATH}/x").problem(404, "not_found")
    assert browser.get("/v1/auth/me").ok()["project"]["name"] == name


def test_one_name_at_once_is_one_project(browser: Browser) -> None:
    name = uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: browser.write("POST", PATH, {"name": name}), range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
