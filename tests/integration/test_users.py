"""The people of a project: let in, changed, shut out, let go; and what an admin may not do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.access.sessions import MOST_SESSIONS, Sessions
from app.core.redis import create_redis
from app.domain.access import Role
from app.storage import people
from launcher.stack import Stack
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.people import PASSWORD, Browser, person, sign_in
from tests.integration.rest import Answer, Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

SOON_S = 8.0
"""A look of the watch every five seconds, a fifth later at most, and the way there."""


@pytest.fixture
def admin(tenant: Tenant) -> Rest:
    return Rest(tenant.url, tenant.keys[Role.ADMIN])


def email() -> str:
    return f"{uuid4().hex}@example.org"


def let_in(admin: Rest, role: str = "viewer", **fields: str) -> dict[str, Any]:
    body: dict[str, Any] = admin.post("/v1/users", {"email": email(), "role": role, **fields}).ok(
        201
    )
    return body


def path_of(user: dict[str, Any]) -> str:
    return f"/v1/users/{user['user_id']}"


def remove(admin: Rest, user: dict[str, Any], version: int = 1) -> Answer:
    return admin.request("DELETE", path_of(user), None, {"If-Match": f'"{version}"'})


def entries(admin: Rest, user: dict[str, Any]) -> list[str]:
    found = admin.get("/v1/audit", resource="user", resource_id=user["user_id"]).ok()["items"]
    return [entry["action"] for entry in found if not entry["action"].startswith("sign")]


def refused_soon(browser: Browser, status: int) -> None:
    deadline = time.monotonic() + SOON_S
    while browser.get("/v1/users").status != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_somebody_new_comes_in_by_a_ticket(admin: Rest) -> None:
    wanted = email()
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
    wanted = {"email": email(), "role": "viewer"}
    first = admin.post("/v1/users", wanted, key).ok(201)
    again = admin.post("/v1/users", wanted, key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.ok(201) == {**first, "ticket": None}
    key = {"Idempotency-Key": uuid4().hex}
    admin.post("/v1/users", {**wanted, "email": email(), "password": PASSWORD}, key).ok(201)
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT body FROM idempotency_keys WHERE path = '/v1/users'")
        ).scalars()
        assert all(first["ticket"].encode() not in bytes(body) for body in kept)
    admin.post("/v1/users", {**wanted, "email": email()}, key).problem(
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
    answer = admin.post("/v1/users", {"email": email(), "role": "viewer", **wrong})
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


def test_whoever_is_removed_is_out_at_once_and_so_are_the_sockets(
    admin: Rest, tenant: Tenant, engine: Engine, second_url: str
) -> None:
    somebody = person(engine, tenant, Role.ADMIN)
    let_in(admin, "admin")
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    token = browser.write("POST", "/v1/auth/token").ok()["token"]
    with (
        DashboardSocket(tenant.url, headers=browser.cookie) as viewer,
        DashboardSocket(second_url, token) as elsewhere,
    ):
        user = {"user_id": str(somebody.user_id)}
        assert remove(admin, user).status == 204
        browser.get("/v1/auth/me").problem(401, "unauthenticated")
        began = time.monotonic()
        for socket in (viewer, elsewhere):
            bye = socket.bye()
            assert (bye["code"], bye["reason"]) == (4500, "session_ended")
        assert time.monotonic() - began < SOON_S
    Rest(tenant.url, token).get("/v1/auth/me").problem(401, "unauthenticated")
    answer = Rest(tenant.url).post(
        "/v1/auth/login", {"email": somebody.email, "password": PASSWORD}
    )
    answer.problem(401, "unauthenticated")


def test_even_if_the_session_is_still_there_the_person_is_out_soon(
    tenant: Tenant, engine: Engine
) -> None:
    """As after a crash between the two stores, or a removal by hand in psql."""
    somebody = person(engine, tenant, Role.ADMIN)
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    browser.get("/v1/users").ok()
    with DashboardSocket(tenant.url, headers=browser.cookie) as viewer:
        with engine.begin() as connection:
            connection.execute(
                text("DELETE FROM memberships WHERE user_id = :user"), {"user": somebody.user_id}
            )
        refused_soon(browser, 401)
        assert viewer.bye()["code"] == 4500


def test_a_door_that_is_shut_opens_again(admin: Rest, tenant: Tenant, engine: Engine) -> None:
    somebody = person(engine, tenant, Role.VIEWER)
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    path = f"/v1/users/{somebody.user_id}"
    admin.patch(path, {"disabled": True}, 1).ok()
    browser.get("/v1/auth/me").problem(401, "unauthenticated")
    given = {"email": somebody.email, "password": PASSWORD}
    Rest(tenant.url).post("/v1/auth/login", given).problem(401, "unauthenticated")
    admin.patch(path, {"disabled": False}, 2).ok()
    deadline = time.monotonic() + SOON_S
    while Rest(tenant.url).post("/v1/auth/login", given).status != 200:
        assert time.monotonic() < deadline
        time.sleep(1)


def test_another_role_counts_soon_for_sessions_tokens_and_sockets(
    admin: Rest, tenant: Tenant, engine: Engine
) -> None:
    somebody = person(engine, tenant, Role.VIEWER)
    browser = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    token = Rest(tenant.url, browser.write("POST", "/v1/auth/token").ok()["token"])
    browser.get("/v1/users").problem(403, "forbidden")
    with DashboardSocket(tenant.url, headers=browser.cookie) as viewer:
        admin.patch(f"/v1/users/{somebody.user_id}", {"role": "admin"}, 1).ok()
        bye = viewer.bye()
        assert (bye["code"], bye["reason"], bye["reconnect"]) == (4003, "role_changed", True)
    refused_soon(browser, 200)
    assert browser.get("/v1/auth/me").ok()["role"] == "admin"
    assert token.get("/v1/users").status == 200
    with DashboardSocket(tenant.url, headers=browser.cookie) as viewer:
        viewer.live()


def test_another_password_ends_all_sessions_but_ones_own(
    admin: Rest, tenant: Tenant, engine: Engine
) -> None:
    somebody = person(engine, tenant, Role.ADMIN)
    mine, other = (sign_in(tenant.url, email=somebody.email, password=PASSWORD) for _ in range(2))
    path = f"/v1/users/{somebody.user_id}"
    mine.write("PATCH", path, {"password": "another " + PASSWORD}, 1).ok()
    mine.get("/v1/auth/me").ok()
    other.get("/v1/auth/me").problem(401, "unauthenticated")
    admin.patch(path, {"password": PASSWORD}, 2).ok()
    mine.get("/v1/auth/me").problem(401, "unauthenticated")
    sign_in(tenant.url, email=somebody.email, password=PASSWORD)


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


def test_with_the_fifty_first_session_the_oldest_ends(
    tenant: Tenant, engine: Engine, stack: Stack
) -> None:
    somebody = person(engine, tenant, Role.VIEWER)
    first = sign_in(tenant.url, email=somebody.email, password=PASSWORD)
    with engine.connect() as connection:
        member = people.membership(connection, somebody.user_id)
    assert member is not None
    redis = create_redis(stack.redis_url, max_connections=1)
    sessions = Sessions(redis)
    for _ in range(MOST_SESSIONS - 1):
        sessions.open(member)
    first.get("/v1/auth/me").ok()
    sessions.open(member)
    first.get("/v1/auth/me").problem(401, "unauthenticated")
    redis.connection_pool.disconnect()
