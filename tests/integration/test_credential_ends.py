"""A credential that ends takes with it what it has opened: sockets and streams (§5)."""

from __future__ import annotations

import time
from http.cookies import SimpleCookie
from uuid import uuid4

import jwt
import pytest
from sqlalchemy import Engine

from app.access.passwords import hash_password
from app.domain.access import Role
from app.domain.api_key import parse_key
from app.storage import credentials, people
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import PATH, DashboardSocket
from tests.integration.event_source import stream
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant
from tests.integration.wire import Message

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery staple"
REVOKED = (4500, "key_revoked", False)


def ending(bye: Message) -> tuple[int, str, bool]:
    return bye["code"], bye["reason"], bye["reconnect"]


def revoke(engine: Engine, tenant: Tenant, role: Role) -> None:
    key_id, _ = parse_key(tenant.keys[role])
    with engine.begin() as connection:
        assert credentials.revoke(connection, tenant.project_id, key_id)


def socket_path(url: str, credential: str) -> str:
    token = Rest(url, credential).post("/v1/auth/socket-token").ok()["token"]
    return f"{PATH}?token={token}"


def test_a_revoked_key_closes_its_sockets_and_streams_and_no_others(
    tenant: Tenant, neighbour: Tenant, engine: Engine
) -> None:
    by_token = socket_path(tenant.url, tenant.viewer)
    access = Rest(tenant.url, tenant.viewer).post("/v1/auth/token").ok()["token"]
    with (
        AgentSocket(tenant.url, tenant.agent) as agent,
        DashboardSocket(tenant.url, tenant.viewer) as viewer,
        DashboardSocket(tenant.url, path=by_token) as other_viewer,
        stream(tenant, key=access) as source,
        DashboardSocket(neighbour.url, neighbour.viewer) as stranger,
    ):
        revoke(engine, tenant, Role.AGENT)
        revoke(engine, tenant, Role.VIEWER)
        for socket in (agent, viewer, other_viewer):
            assert ending(socket.bye()) == REVOKED
        bye = source.next()
        assert (bye.kind, bye.data) == ("bye", '{"reason":"key_revoked","reconnect":false}')
        assert source.response.readline() == b""
        stranger.live()
    # What was made from the key is worth no more than the key.
    for credential in (tenant.viewer, access):
        reader = Rest(tenant.url, credential)
        wait_until(
            lambda reader=reader: reader.get("/v1/events").status == 401,
            timeout_s=6,
            what=lambda: "a revoked key is honoured for too long",
        )


def test_signing_out_closes_what_the_session_opened(
    tenant: Tenant, engine: Engine, second_url: str
) -> None:
    email = f"{uuid4().hex}@example.org"
    with engine.begin() as connection:
        project = people.Project(tenant.project_id, tenant.name)
        people.ensure_member(connection, project, email, hash_password(PASSWORD), Role.VIEWER)
    browser = Rest(tenant.url)
    answer = browser.post("/v1/auth/login", {"email": email, "password": PASSWORD})
    [(name, morsel)] = SimpleCookie(answer.cookies[0]).items()
    session = {"Cookie": f"{name}={morsel.value}"}
    csrf = {**session, "X-CSRF-Token": answer.ok()["csrf_token"]}
    token = browser.post("/v1/auth/socket-token", None, csrf).ok()["token"]
    with (
        DashboardSocket(tenant.url, headers=session) as viewer,
        DashboardSocket(second_url, path=f"{PATH}?token={token}") as elsewhere,
        DashboardSocket(tenant.url, tenant.viewer) as other,
    ):
        assert browser.post("/v1/auth/logout", None, csrf).status == 204
        for socket in (viewer, elsewhere):
            assert ending(socket.bye()) == (4500, "session_ended", False)
        other.live()


def test_an_access_token_that_expires_closes_what_it_opened(stack: Stack, tenant: Tenant) -> None:
    token = Rest(tenant.url, tenant.viewer).post("/v1/auth/token").ok()["token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    soon = {**claims, "exp": int(time.time()) + 2}
    access = jwt.encode(soon, stack.env["SECRET_KEY"], algorithm="HS256")
    by_token = socket_path(tenant.url, access)
    with (
        DashboardSocket(tenant.url, access) as viewer,
        DashboardSocket(tenant.url, path=by_token) as other_viewer,
        stream(tenant, key=access) as source,
        DashboardSocket(tenant.url, tenant.viewer) as lasting,
    ):
        for socket in (viewer, other_viewer):
            assert ending(socket.bye()) == (4003, "token_expired", True)
        bye = source.next()
        assert (bye.kind, bye.data) == ("bye", '{"reason":"token_expired","reconnect":true}')
        lasting.live()
