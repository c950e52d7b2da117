"""Signing in and out, tokens, and the browser's writes (§1)."""

from __future__ import annotations

import json
from http.cookies import SimpleCookie
from uuid import uuid4

import jwt
import pytest
from sqlalchemy import Engine

from app.access.passwords import hash_password
from app.core.redis import create_redis
from app.domain.access import Role
from app.storage import people
from launcher.stack import Stack
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Answer, Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery staple"


@pytest.fixture
def email(tenant: Tenant, engine: Engine) -> str:
    """A viewer of the project."""
    email = f"{uuid4().hex}@example.org"
    with engine.begin() as connection:
        project = people.Project(tenant.project_id, tenant.name)
        people.ensure_member(connection, project, email, hash_password(PASSWORD), Role.VIEWER)
    return email


def login(tenant: Tenant, email: str, password: str = PASSWORD) -> Answer:
    return Rest(tenant.url).post("/v1/auth/login", {"email": email, "password": password})


def cookie_of(answer: Answer) -> str:
    [text] = answer.cookies
    cookie = SimpleCookie(text)
    [(name, morsel)] = cookie.items()
    return f"{name}={morsel.value}"


def test_a_session_from_sign_in_to_sign_out(tenant: Tenant, email: str) -> None:
    answer = login(tenant, email.upper())
    me = answer.ok()
    project = {"id": str(tenant.project_id), "name": tenant.name}
    assert me == {
        "user": {"id": me["user"]["id"], "email": email},
        "role": "viewer",
        "project": project,
        "projects": [{**project, "role": "viewer"}],
        "csrf_token": me["csrf_token"],
    }
    [cookie] = answer.cookies
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    # TLS ends before us in production; here there is none.
    assert "Secure" not in cookie
    browser = Rest(tenant.url)
    session = {"Cookie": cookie_of(answer)}
    again = browser.get("/v1/auth/me", session)
    assert again.ok() == me
    # The session lives on, and the browser's cookie as long.
    assert again.cookies == [cookie]
    assert "Max-Age=43200" in cookie
    assert browser.get("/v1/events", session).ok()["items"] == []
    with DashboardSocket(tenant.url, headers={**session, "Origin": tenant.url}) as viewer:
        viewer.live()
    browser.post("/v1/auth/logout", None, session).problem(403, "forbidden")
    csrf = {**session, "X-CSRF-Token": me["csrf_token"]}
    out = browser.post("/v1/auth/logout", None, csrf)
    assert out.status == 204
    browser.get("/v1/auth/me", session).problem(401, "unauthenticated")
    browser.post("/v1/auth/logout", None, csrf).problem(401, "unauthenticated")


def test_behind_tls_the_cookie_is_for_tls_alone(tenant: Tenant, email: str) -> None:
    given = {"email": email, "password": PASSWORD}
    answer = Rest(tenant.url).post("/v1/auth/login", given, {"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.cookies[0]


def test_a_session_ends_everywhere(tenant: Tenant, email: str, second_url: str) -> None:
    answer = login(tenant, email)
    session = {"Cookie": cookie_of(answer)}
    csrf = {**session, "X-CSRF-Token": answer.json["csrf_token"]}
    other = Rest(second_url)
    other.get("/v1/auth/me", session).ok()
    assert Rest(tenant.url).post("/v1/auth/logout", None, csrf).status == 204
    other.get("/v1/auth/me", session).problem(401, "unauthenticated")


def test_a_browsers_write_needs_its_csrf_token(tenant: Tenant, email: str) -> None:
    answer = login(tenant, email)
    session = {"Cookie": cookie_of(answer)}
    browser = Rest(tenant.url)
    for path in ("/v1/auth/token", "/v1/auth/socket-token", "/v1/events"):
        browser.post(path, {}, session).problem(403, "forbidden")
        for wrong in ("x", "é"):
            given = {**session, "X-CSRF-Token": wrong}
            browser.post(path, {}, given).problem(403, "forbidden")
    csrf = {**session, "X-CSRF-Token": answer.json["csrf_token"]}
    browser.post("/v1/auth/socket-token", None, csrf).ok()


@pytest.mark.parametrize("password", ["wrong", PASSWORD + " ", PASSWORD.upper()])
def test_a_wrong_password_is_401(tenant: Tenant, email: str, password: str) -> None:
    answer = login(tenant, email, password)
    answer.problem(401, "unauthenticated")
    assert answer.cookies == []


def test_an_unknown_user_is_told_the_same(tenant: Tenant, email: str) -> None:
    unknown = login(tenant, "nobody@example.org").problem(401, "unauthenticated")
    assert unknown == login(tenant, email, "wrong").problem(401, "unauthenticated")


def test_who_tries_too_often_must_wait(tenant: Tenant, email: str) -> None:
    for _ in range(10):
        login(tenant, email, "wrong").problem(401, "unauthenticated")
    answer = login(tenant, email)
    answer.problem(429, "login_throttled")
    assert answer.headers["retry-after"] == "300"
    other = f"other-{email}"
    login(tenant, other, "wrong").problem(401, "unauthenticated")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ([], 422),
        ({"email": "a@b"}, 422),
        ({"password": "x"}, 422),
        ({"email": "a@b", "password": "x", "ticket": "y"}, 422),
        ({"email": "a@b", "password": ""}, 422),
        ({"email": "a" * 321, "password": "x"}, 422),
        ({"email": "a@b", "password": "x" * 1001}, 422),
        ({"email": 7, "password": "x"}, 422),
        ({"email": "a@b", "password": "x", "extra": 1}, 422),
        ({"email": "a\x00@b", "password": "x"}, 422),
        ({"email": "a@b", "password": "\x00"}, 422),
        ({"ticket": "\x00"}, 422),
        ({"ticket": "unknown"}, 401),
        (rb'{"email":"\ud800@b","password":"x"}', 422),
        (rb'{"email":"a@b","password":"\udfff"}', 422),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 30_000, 400),
        (b'{"a":' * 10_000, 400),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_sign_ins_that_are_none(tenant: Tenant, body: object, status: int) -> None:
    code = {400: "bad_request", 401: "unauthenticated", 422: "unprocessable"}[status]
    answer = Rest(tenant.url).post("/v1/auth/login", body, kind="application/json")
    answer.problem(status, code)


def test_a_ticket_signs_in_once(stack: Stack, tenant: Tenant, email: str, engine: Engine) -> None:
    from app.access.sessions import Sessions

    with engine.connect() as connection:
        found = people.password_of(connection, email)
    assert found is not None
    redis = create_redis(stack.redis_url, max_connections=1)
    ticket = Sessions(redis).ticket(found[0])
    redis.connection_pool.disconnect()
    nobody = Rest(tenant.url)
    assert nobody.post("/v1/auth/login", {"ticket": ticket}).ok()["user"]["email"] == email
    nobody.post("/v1/auth/login", {"ticket": ticket}).problem(401, "unauthenticated")


@pytest.mark.parametrize("role", list(Role))
def test_me_is_whose_key_it_is(tenant: Tenant, role: Role) -> None:
    answer = Rest(tenant.url, tenant.keys[role]).get("/v1/auth/me")
    assert answer.cookies == []
    me = answer.ok()
    assert me["user"] is None
    assert me["role"] == role.value
    assert me["project"] == {"id": str(tenant.project_id), "name": tenant.name}
    assert me["csrf_token"] is None


def test_a_key_goes_before_a_cookie(tenant: Tenant, email: str) -> None:
    session = {"Cookie": cookie_of(login(tenant, email))}
    me = Rest(tenant.url, tenant.keys[Role.ADMIN]).get("/v1/auth/me", session).ok()
    assert (me["role"], me["user"]) == ("admin", None)


def test_an_access_token_stands_for_its_key_for_a_quarter_of_an_hour(tenant: Tenant) -> None:
    answer = Rest(tenant.url, tenant.agent).post("/v1/auth/token").ok()
    assert answer["expires_in_s"] == 900
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 900
    bearer = Rest(tenant.url, answer["token"])
    assert bearer.get("/v1/auth/me").ok()["role"] == "agent"
    bearer.get("/v1/events").problem(403, "forbidden")
    bearer.post("/v1/events", {"type": "a", "agent_id": "b"}).ok(202)


def test_a_token_does_not_beget_tokens(tenant: Tenant) -> None:
    token = Rest(tenant.url, tenant.viewer).post("/v1/auth/token").ok()["token"]
    Rest(tenant.url, token).post("/v1/auth/token").problem(403, "forbidden")


def test_forged_access_tokens_are_worth_nothing(stack: Stack, tenant: Tenant) -> None:
    token = Rest(tenant.url, tenant.viewer).post("/v1/auth/token").ok()["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    secret = stack.env["SECRET_KEY"]
    forged = [
        jwt.encode({**claims, "role": "admin"}, "x" * 32, algorithm="HS256"),
        jwt.encode({**claims, "role": "admin"}, "", algorithm="none"),
        jwt.encode({**claims, "exp": 1}, secret, algorithm="HS256"),
        jwt.encode({**claims, "aud": "elsewhere"}, secret, algorithm="HS256"),
        token[:-4],
        token.split(".")[0] + ".." + token.split(".")[2],
    ]
    for bad in forged:
        Rest(tenant.url, bad).get("/v1/events").problem(401, "unauthenticated")
    good = jwt.encode(claims, secret, algorithm="HS256")
    Rest(tenant.url, good).get("/v1/events").ok()


def test_what_leaks_from_auth_is_nothing(tenant: Tenant, email: str) -> None:
    answer = login(tenant, email)
    assert PASSWORD not in json.dumps(answer.json)
    assert "argon2" not in answer.body.decode()
