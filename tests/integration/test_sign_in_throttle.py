"""Guessing passwords: slowed down, noted, and of no use for locking somebody else out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from app.access.passwords import hash_password
from app.domain.access import Role
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.conftest import web_beside
from tests.integration.people import PASSWORD, Person, person
from tests.integration.rest import Answer, Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def behind_a_proxy(stack: Stack) -> Iterator[str]:
    """A web process that believes one proxy."""
    with web_beside(stack, "web-proxied", TRUSTED_PROXIES="1") as url:
        yield url


@pytest.fixture
def victim(engine: Engine, tenant: Tenant) -> Person:
    return person(engine, tenant, Role.VIEWER)


def tries(url: str, email: str, password: str, address: str) -> Answer:
    given = {"email": email, "password": password}
    return Rest(url).post("/v1/auth/login", given, {"X-Forwarded-For": f"6.6.6.6, {address}"})


def noted(tenant: Tenant, somebody: Person) -> list[tuple[str, str]]:
    """What the audit log says of somebody's sign-ins, newest first."""
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    found = admin.get("/v1/audit", resource="user", resource_id=str(somebody.user_id)).ok()
    return [(entry["action"], entry["detail"]["address"]) for entry in found["items"]]


def test_whoever_guesses_from_elsewhere_locks_nobody_out(
    behind_a_proxy: str, victim: Person, tenant: Tenant
) -> None:
    for _ in range(10):
        tries(behind_a_proxy, victim.email, "wrong", "9.9.9.9").problem(401, "unauthenticated")
    for password in ("wrong", PASSWORD):
        answer = tries(behind_a_proxy, victim.email, password, "9.9.9.9")
        answer.problem(429, "login_throttled")
    # An IPv6 network has room for endless addresses, and counts as one.
    for number in range(10):
        tries(behind_a_proxy, victim.email, "wrong", f"2001:db8::{number}")
    answer = tries(behind_a_proxy, victim.email, PASSWORD, "2001:db8::ffff")
    answer.problem(429, "login_throttled")
    assert tries(behind_a_proxy, victim.email, PASSWORD, "1.2.3.4").status == 200
    assert noted(tenant, victim)[0] == ("signed_in", "1.2.3.4")


def test_wrong_passwords_are_noted_but_not_without_end(
    behind_a_proxy: str, victim: Person, tenant: Tenant
) -> None:
    for number in range(25):
        address = f"9.9.8.{number}"
        tries(behind_a_proxy, victim.email, "wrong", address).problem(401, "unauthenticated")
    wait_until(
        lambda: len(noted(tenant, victim)) == 20,
        timeout_s=5,
        what=lambda: f"{len(noted(tenant, victim))} entries",
    )
    assert {action for action, _ in noted(tenant, victim)} == {"sign_in_failed"}
    tries(behind_a_proxy, victim.email, PASSWORD, "9.9.8.1").ok()
    assert noted(tenant, victim)[0] == ("signed_in", "9.9.8.1")
    assert len(noted(tenant, victim)) == 21


def test_what_a_client_says_of_itself_is_not_believed(tenant: Tenant, victim: Person) -> None:
    for number in range(10):
        tries(tenant.url, victim.email, "wrong", f"9.9.7.{number}")
    answer = tries(tenant.url, victim.email, PASSWORD, "9.9.7.99")
    answer.problem(429, "login_throttled")


def test_an_email_that_nobody_has_takes_as_long(
    behind_a_proxy: str, engine: Engine, tenant: Tenant
) -> None:
    somebody = person(engine, tenant, Role.VIEWER, password_hash=hash_password(PASSWORD))

    def took_s(email: str, number: int) -> float:
        began = time.perf_counter()
        answer = tries(behind_a_proxy, email, "wrong", f"9.9.6.{number}")
        took = time.perf_counter() - began
        answer.problem(401, "unauthenticated")
        return took

    nobody = f"{uuid4().hex}@example.org"
    times = [(took_s(somebody.email, n), took_s(nobody, n)) for n in range(8)]
    # In turns, and the quickest of each: what else the machine does falls on both. Without a hash
    # to check the answer would come in a hundredth of the time.
    known, unknown = (min(column) for column in zip(*times, strict=True))
    assert unknown > known / 4


def test_while_redis_is_away_no_password_is_tried(
    spare: Stack, spare_engine: Engine, spare_tenant: Tenant
) -> None:
    somebody = person(spare_engine, spare_tenant, Role.VIEWER)
    given = {"email": somebody.email, "password": PASSWORD}
    Rest(spare.url).post("/v1/auth/login", given).ok()
    spare.pause("valkey")
    try:
        Rest(spare.url).post("/v1/auth/login", given).problem(503, "unavailable")
    finally:
        spare.resume("valkey")
    wait_until(
        lambda: Rest(spare.url).post("/v1/auth/login", given).status == 200,
        timeout_s=20,
        what=lambda: "nobody can sign in again",
    )
