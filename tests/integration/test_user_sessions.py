"""What becomes of sessions, tokens and sockets when their person is changed or let go."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Engine, text

from app.access.sessions import MOST_SESSIONS, Sessions
from app.core.redis import create_redis
from app.domain.access import Role
from app.storage import people
from launcher.stack import Stack
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.people import (
    PASSWORD,
    Browser,
    let_in,
    person,
    remove,
    sign_in,
)
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

SOON_S = 8.0
"""A look of the watch every five seconds, a fifth later at most, and the way there."""


@pytest.fixture
def admin(tenant: Tenant) -> Rest:
    return Rest(tenant.url, tenant.keys[Role.ADMIN])


def refused_soon(browser: Browser, status: int) -> None:
    deadline = time.monotonic() + SOON_S
    while browser.get("/v1/users").status != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


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
