"""The people of a project: let in, changed, shut out, let go; and what an admin may not do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.domain.access import Role
from tests.integration.people import (
    PASSWORD,
    let_in,
    new_email,
    path_of,
    person,
    remove,
    sign_in,
)
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


@pytest.fixture
def admin(tenant: Tenant) -> Rest:
    return Rest(tenant.url, tenant.keys[Role.ADMIN])


def entries(admin: Rest, user: dict[str, Any]) -> list[str]:
    found = admin.get("/v1/audit", resource="user", resource_id=user["user_id"]).ok()["items"]
    return [entry["action"] for entry in found if not entry["action"].startswith("sign")]


def test_somebody_new_comes_in_by_a_ticket(admin: Rest) -> None:
    wanted = new_email()
    answer = admin.post("/v1/users", {"email": wanted.upper(), "role": "viewer"})
    user = answer.ok(201)
    assert answer.headers["location"] == path_of(user)
    assert answer.headers["etag"] == '"1"'
    assert (user["email"], user["role"], user["disabled"], user["version"]) == (
        wanted,
        "viewer",
        False,
        1,
    )
    ticket = user.pop("ticket")
    assert admin.get(path_of(user)).ok() == user
    browser = sign_in(admin.url, ticket=ticket)
    assert browser.get("/v1/auth/me").ok()["role"] == "viewer"
    Rest(admin.url).post("/v1/auth/login", {"ticket": ticket}).problem(401, "unauthenticated")
    browser.get("/v1/users").problem(403, "forbidden")
    assert entries(admin, user) == ["added"]


def test_somebody_new_comes_in_with_a_password(admin: Rest) -> None:
    user = let_in(admin, "admin", password=PASSWORD)
    assert user["ticket"] is None
    browser = sign_in(admin.url, email=user["email"], password=PASSWORD)
    listed = browser.get("/v1/users").ok()["items"]
    assert [entry["email"] for entry in listed] == [user["email"]]


def test_a_list_goes_on_by_its_cursor(admin: Rest) -> None:
    made = sorted(let_in(admin)["email"] for _ in range(5))
    found: list[str] = []
    cursor = None
    while len(found) < 5:
        page = admin.get("/v1/users", limit=2, cursor=cursor).ok()
        found += [user["email"] for user in page["items"]]
        cursor = page["next"]
    assert (found, cursor) == (made, None)
    admin.get("/v1/users", cursor="x").problem(400, "bad_request")


def test_a_retried_post_makes_one_user_and_keeps_no_secret(admin: Rest, engine: Engine) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    wanted = {"email": new_email(), "role": "viewer"}
    first = admin.post("/v1/users", wanted, key).ok(201)
    again = admin.post("/v1/users", wanted, key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.ok(201) == {**first, "ticket": None}
    key = {"Idempotency-Key": uuid4().hex}
    admin.post("/v1/users", {**wanted, "email": new_email(), "password": PASSWORD}, key).ok(201)
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT body FROM idempotency_keys WHERE path = '/v1/users'")
        ).scalars()
        assert all(first["ticket"].encode() not in bytes(body) for body in kept)
    admin.post("/v1/users", {**wanted, "email": new_email()}, key).problem(
        422, "idempotency_key_reused"
    )


def test_versions(admin: Rest) -> None:
    user = let_in(admin)
    path = path_of(user)
    admin.patch(path, {"role": "operator"}).problem(428, "precondition_required")
    changed = admin.patch(path, {"role": "operator"}, 1).ok()
    assert (changed["role"], changed["version"]) == ("operator", 2)
    stale = admin.patch(path, {"role": "viewer"}, 1)
    assert stale.problem(412, "precondition_failed", "current_version")["current_version"] == 2
    assert admin.patch(path, {"role": "operator"}, 2).ok() == changed
    assert admin.patch(path, {}, 2).ok() == changed
    remove(admin, user, 1).problem(412, "precondition_failed", "current_version")
    assert admin.request("DELETE", path).status == 428
    assert remove(admin, user, 2).status == 204
    admin.get(path).problem(404, "not_found")
    remove(admin, user, 2).problem(404, "not_found")
    assert entries(admin, user) == ["removed", "changed", "added"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "a"},
        {"email": "a b@c"},
        {"email": "a@b\x00"},
        {"email": 7},
        {"role": "king"},
        {"role": None},
        {"password": "short"},
        {"password": "x" * 1001},
        {"extra": 1},
    ],
    ids=str,
)
def test_bad_fields(admin: Rest, wrong: dict[str, Any]) -> None:
    [field] = wrong
    answer = admin.post("/v1/users", {"email": new_email(), "role": "viewer", **wrong})
    problem = answer.problem(422, "unprocessable")
    assert problem["errors"][0]["pointer"] == f"/{field}"
    assert admin.get("/v1/users").ok()["items"] == []


@pytest.mark.parametrize("wrong", [{"disabled": "yes"}, {"email": "a@b"}, {"role": "x"}], ids=str)
def test_bad_changes(admin: Rest, wrong: dict[str, Any]) -> None:
    user = let_in(admin)
    admin.patch(path_of(user), wrong, 1).problem(422, "unprocessable")
    assert admin.get(path_of(user)).ok()["version"] == 1


def test_ids_that_are_none_are_404(admin: Rest) -> None:
    for name in ("x", "%F0%9F%98%80", "a/b", str(uuid4())):
        admin.get(f"/v1/users/{name}").problem(404, "not_found")


def test_the_last_admin_stays(admin: Rest, tenant: Tenant) -> None:
    user = let_in(admin, "admin", password=PASSWORD)
    for change in ({"role": "viewer"}, {"disabled": True}):
        admin.patch(path_of(user), change, 1).problem(409, "last_admin")
    remove(admin, user).problem(409, "last_admin")
    second = let_in(admin, "admin")
    assert admin.patch(path_of(second), {"disabled": True}, 1).ok()["disabled"]
    # One who cannot come in does not count.
    admin.patch(path_of(user), {"role": "viewer"}, 1).problem(409, "last_admin")
    admin.patch(path_of(second), {"disabled": False}, 2).ok()
    assert (
        sign_in(tenant.url, email=user["email"], password=PASSWORD)
        .write("DELETE", path_of(user), version=1)
        .status
        == 204
    )


def test_two_admins_removed_at_once_leave_one(admin: Rest) -> None:
    left = [let_in(admin, "admin")]
    for _ in range(10):
        pair = [*left, let_in(admin, "admin")]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda user: remove(admin, user), pair))
        assert sorted(answer.status for answer in answers) == [204, 409]
        left = admin.get("/v1/users").ok()["items"]
        assert len(left) == 1


def test_an_admin_gets_no_further_than_the_own_project(
    admin: Rest, tenant: Tenant, neighbour: Tenant, engine: Engine
) -> None:
    """A password or a ticket would open the other project as well."""
    somebody = person(engine, neighbour, Role.ADMIN)
    given = {"email": somebody.email, "role": "viewer"}
    admin.post("/v1/users", {**given, "password": PASSWORD * 2}).problem(409, "password_not_yours")
    user = admin.post("/v1/users", given).ok(201)
    assert user["ticket"] is None
    known = admin.post("/v1/users", given).problem(409, "user_exists", "user_id")
    assert known["user_id"] == user["user_id"] == str(somebody.user_id)
    admin.patch(path_of(user), {"password": "x" * 20}, 1).problem(409, "belongs_elsewhere")
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    assert browser.get("/v1/auth/me").ok()["project"]["name"] == neighbour.name
    # Shut out or let go here, at home there.
    admin.patch(path_of(user), {"disabled": True}, 1).ok()
    assert remove(admin, user, 2).status == 204
    browser.get("/v1/users").ok()
    stranger = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    mine = let_in(admin)
    stranger.get(path_of(mine)).problem(404, "not_found")
    stranger.patch(path_of(mine), {"role": "admin"}, 1).problem(404, "not_found")
    remove(stranger, mine).problem(404, "not_found")


def test_whoever_belongs_nowhere_is_forgotten_and_can_come_anew(admin: Rest) -> None:
    user = let_in(admin, password=PASSWORD)
    assert remove(admin, user).status == 204
    again = admin.post("/v1/users", {"email": user["email"], "role": "viewer"}).ok(201)
    assert again["user_id"] != user["user_id"]
    sign_in(admin.url, ticket=again["ticket"])
