"""``flask users`` and ``flask projects``: people and projects from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.domain.access import Role
from launcher.stack import Stack
from tests.integration.command_line import Command, command_line, good, refused
from tests.integration.people import PASSWORD, join, person, sign_in
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


@pytest.fixture
def flask(stack: Stack, engine: Engine) -> Iterator[Command]:
    with command_line(stack, engine) as run:
        yield run


def entries(tenant: Tenant, **query: Any) -> list[tuple[str, str]]:
    found = Rest(tenant.url, tenant.keys[Role.ADMIN]).get("/v1/audit", **query).ok()["items"]
    return [(entry["action"], entry["subject"]) for entry in found if "sign" not in entry["action"]]


def test_a_person_from_coming_to_leaving(flask: Command, tenant: Tenant) -> None:
    email, project = f"{uuid4().hex}@example.org", ("--project", tenant.name)
    made = good(flask("users", "create", email.upper(), "--role", "admin", *project))
    assert f"{email} is admin in {tenant.name}." in made
    browser = sign_in(tenant.url, ticket=made.split("/#ticket=")[1].strip())
    user_id = browser.get("/v1/auth/me").ok()["user"]["id"]
    refused(flask("users", "create", email, *project), "belongs to")

    given = f"{PASSWORD}\n"
    good(flask("users", "set-password", email, "--password-stdin", *project, given=given))
    browser.get("/v1/auth/me").problem(401, "unauthenticated")
    browser = sign_in(tenant.url, email=email, password=PASSWORD)

    refused(flask("users", "set-role", email, "viewer", *project), "keeps its last admin")
    refused(flask("users", "disable", email, *project), "keeps its last admin")
    refused(flask("users", "remove", email, "--yes", *project), "keeps its last admin")
    other = f"{uuid4().hex}@example.org"
    good(flask("users", "create", other, "--role", "admin", *project))
    good(flask("users", "set-role", email, "viewer", *project))
    good(flask("users", "disable", email, *project))
    browser.get("/v1/auth/me").problem(401, "unauthenticated")
    listed = good(flask("users", "list", *project)).splitlines()
    assert sorted(line.split()[:2] + line.split()[-1:] for line in listed) == sorted(
        [["viewer", "disabled", email], ["admin", "active", other]]
    )
    good(flask("users", "enable", email, *project))
    sign_in(tenant.url, email=email, password=PASSWORD)

    asked = flask("users", "remove", email, *project)
    assert asked.exit_code != 0
    assert "Go on?" in asked.stdout
    good(flask("users", "remove", email, "--yes", *project))
    refused(flask("users", "set-role", email, "admin", *project), "does not belong to")
    told = entries(tenant, resource="user", resource_id=user_id)
    actions = ["removed", "changed", "changed", "changed", "changed", "added"]
    assert told == [(action, "command line") for action in actions]


def test_what_cannot_be_is_said_in_a_sentence(
    flask: Command, tenant: Tenant, neighbour: Tenant, engine: Engine
) -> None:
    project = ("--project", tenant.name)
    refused(flask("users", "create", "no address", *project), "should be an e-mail address")
    refused(flask("users", "list", "--project", "nowhere"), "There is no such project.")
    refused(flask("users", "set-role", "a@b", "king", *project), "is not one of")
    short = flask("users", "create", "a@b", "--password-stdin", *project, given="x\n")
    refused(short, "A password has 8 to 1000 characters.")
    known = person(engine, neighbour, Role.VIEWER)
    words = ("users", "create", known.email, "--password-stdin", *project)
    refused(flask(*words, given=PASSWORD * 2), "has a password already")
    joined = good(flask("users", "create", known.email, *project))
    assert "ticket" not in joined


def test_the_operator_may_set_a_password_that_opens_several_projects(
    flask: Command, tenant: Tenant, neighbour: Tenant, engine: Engine
) -> None:
    known = person(engine, neighbour, Role.VIEWER)
    join(engine, tenant, known, Role.VIEWER)
    words = ("users", "set-password", known.email, "--password-stdin", "--project", tenant.name)
    good(flask(*words, given=PASSWORD * 2))
    sign_in(tenant.url, email=known.email, password=PASSWORD * 2)


def test_projects(flask: Command, tenant: Tenant) -> None:
    name, other = uuid4().hex, uuid4().hex
    project_id = good(flask("projects", "create", name)).split()[0]
    refused(flask("projects", "create", name), "There is a project")
    refused(flask("projects", "create", " "), "a name is one line")
    refused(flask("projects", "rename", name, tenant.name), "There is a project")
    refused(flask("projects", "rename", other, name), "There is no such project.")
    good(flask("projects", "rename", name, other))
    [line] = [
        line for line in good(flask("projects", "list")).splitlines() if line.startswith(project_id)
    ]
    assert line.split()[-2:] == ["0", other]
    key = good(flask("keys", "create", "--role", "admin", "--name", "k", "--quiet",
                     "--project", other)).strip()  # fmt: skip
    [_, renamed, created] = Rest(tenant.url, key).get("/v1/audit").ok()["items"]
    assert (renamed["action"], created["action"]) == ("renamed", "created")


@pytest.mark.parametrize("group", ["users", "projects", "keys"])
def test_each_command_says_what_it_does(flask: Command, group: str) -> None:
    page = good(flask(group, "--help"))
    assert "Commands:" in page
