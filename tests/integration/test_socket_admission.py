"""Opening a socket: who may, from where, with what; decided before the upgrade (§4, §5)."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import jwt
import pytest

from app.domain.access import Role
from launcher.stack import Stack
from tests.integration.agent_socket import PATH as AGENT
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import PATH as DASHBOARD
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant
from tests.integration.wire import SUBPROTOCOL, Refused, Wire

pytestmark = pytest.mark.e2e

BOTH = pytest.mark.parametrize("path", [AGENT, DASHBOARD])


def refused(url: str, path: str, **how: Any) -> tuple[int, str]:
    """The status and the code of a refusal."""
    with pytest.raises(Refused) as refusal, Wire(url, path, **how):
        pass
    return refusal.value.status, refusal.value.problem()["code"]


def role_for(path: str) -> Role:
    return Role.AGENT if path == AGENT else Role.VIEWER


def socket_token(tenant: Tenant, role: Role) -> str:
    answer = Rest(tenant.url, tenant.keys[role]).post("/v1/auth/socket-token").ok()
    assert answer["expires_in_s"] == 60
    return str(answer["token"])


@BOTH
def test_without_a_credential_there_is_no_socket(tenant: Tenant, path: str) -> None:
    assert refused(tenant.url, path) == (401, "unauthenticated")


@BOTH
@pytest.mark.parametrize(
    "authorization", ["Bearer tt_000000000000_" + "x" * 43, "Basic abc", "Bearer", "Bearer x.y.z"]
)
def test_with_a_wrong_credential_there_is_no_socket(
    tenant: Tenant, path: str, authorization: str
) -> None:
    headers = {"Authorization": authorization}
    assert refused(tenant.url, path, headers=headers) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("path", "role"),
    [(AGENT, Role.VIEWER), (AGENT, Role.OPERATOR), (DASHBOARD, Role.AGENT)],
)
def test_a_role_that_may_not_is_refused(tenant: Tenant, path: str, role: Role) -> None:
    assert refused(tenant.url, path, key=tenant.keys[role]) == (403, "forbidden")
    token = socket_token(tenant, role)
    assert refused(tenant.url, f"{path}?token={token}") == (403, "forbidden")


@pytest.mark.parametrize(
    ("path", "role"),
    [
        (AGENT, Role.AGENT),
        (AGENT, Role.MANAGER),
        (AGENT, Role.ADMIN),
        (DASHBOARD, Role.VIEWER),
        (DASHBOARD, Role.MANAGER),
        (DASHBOARD, Role.OPERATOR),
        (DASHBOARD, Role.ADMIN),
    ],
)
def test_a_role_that_may_is_let_in(tenant: Tenant, path: str, role: Role) -> None:
    with Wire(tenant.url, path, key=tenant.keys[role]):
        pass


def test_a_socket_token_opens_one_socket(tenant: Tenant, second_url: str) -> None:
    path = f"{DASHBOARD}?token={socket_token(tenant, Role.VIEWER)}"
    with DashboardSocket(tenant.url, path=path) as viewer:
        viewer.live()
    for url in (tenant.url, second_url):
        assert refused(url, path) == (401, "unauthenticated")


def test_a_socket_token_of_one_process_is_good_at_another(tenant: Tenant, second_url: str) -> None:
    path = f"{AGENT}?token={socket_token(tenant, Role.AGENT)}"
    with Wire(second_url, path) as wire:
        wire.send({"type": "hello", "agent_id": "w", "role": "worker", "incarnation": 1})
        assert wire.message()["type"] == "welcome"


def _forged(stack: Stack, token: str, **claims: Any) -> str:
    known = jwt.decode(token, options={"verify_signature": False})
    secret = claims.pop("secret", stack.env["SECRET_KEY"])
    algorithm = claims.pop("algorithm", "HS256")
    return jwt.encode({**known, **claims}, secret, algorithm=algorithm)


@BOTH
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"secret": "another secret of thirty-two letters"},
        {"secret": "", "algorithm": "none"},
        {"aud": "telltale:access"},
        {"exp": None},
        {"jti": None},
    ],
    ids="-".join,
)
def test_tokens_that_are_none(
    stack: Stack, tenant: Tenant, path: str, claims: dict[str, Any]
) -> None:
    token = _forged(stack, socket_token(tenant, role_for(path)), **claims)
    assert refused(tenant.url, f"{path}?token={token}") == (401, "unauthenticated")


@BOTH
def test_other_tokens_open_no_socket(tenant: Tenant, path: str) -> None:
    key = tenant.keys[role_for(path)]
    access = Rest(tenant.url, key).post("/v1/auth/token").ok()["token"]
    assert refused(tenant.url, f"{path}?token={access}") == (401, "unauthenticated")
    assert refused(tenant.url, f"{path}?token={key}") == (401, "unauthenticated")
    assert refused(tenant.url, f"{path}?token=") == (401, "unauthenticated")
    with Wire(tenant.url, path, key=access):
        pass


def test_a_socket_token_is_no_credential_for_rest(tenant: Tenant) -> None:
    token = socket_token(tenant, Role.VIEWER)
    Rest(tenant.url, token).get("/v1/events").problem(401, "unauthenticated")
    with DashboardSocket(tenant.url, path=f"{DASHBOARD}?token={token}"):
        pass


def test_a_token_that_has_expired_is_void(stack: Stack, tenant: Tenant) -> None:
    soon = int(time.time()) + 1
    token = _forged(stack, socket_token(tenant, Role.VIEWER), exp=soon)
    time.sleep(max(0.0, soon + 0.1 - time.time()))
    assert refused(tenant.url, f"{DASHBOARD}?token={token}") == (401, "unauthenticated")


@BOTH
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "file://"],
)
def test_a_page_from_elsewhere_is_refused(tenant: Tenant, path: str, origin: str) -> None:
    key = tenant.keys[role_for(path)]
    how = refused(tenant.url, path, key=key, headers={"Origin": origin})
    assert how == (403, "origin_refused")


@BOTH
def test_our_own_page_is_let_in(tenant: Tenant, path: str) -> None:
    for origin in (tenant.url, tenant.url.replace("127.0.0.1", "localhost")):
        with Wire(tenant.url, path, key=tenant.keys[role_for(path)], headers={"Origin": origin}):
            pass


@BOTH
def test_a_refused_origin_does_not_spend_the_token(tenant: Tenant, path: str) -> None:
    where = f"{path}?token={socket_token(tenant, role_for(path))}"
    assert refused(tenant.url, where, headers={"Origin": "https://evil.example"})[0] == 403
    with Wire(tenant.url, where):
        pass


@BOTH
@pytest.mark.parametrize(
    ("offered", "taken"),
    [
        ((SUBPROTOCOL,), SUBPROTOCOL),
        (("chat", SUBPROTOCOL), SUBPROTOCOL),
        (("telltale.v1+msgpack", SUBPROTOCOL), SUBPROTOCOL),
        (("chat",), None),
        ((), None),
    ],
)
def test_the_server_echoes_the_subprotocol_that_it_takes(
    tenant: Tenant, path: str, offered: tuple[str, ...], taken: str | None
) -> None:
    with Wire(tenant.url, path, key=tenant.keys[role_for(path)], protocols=offered) as wire:
        assert wire.headers.get("sec-websocket-protocol") == taken


@BOTH
@pytest.mark.parametrize(
    "offer", ["permessage-deflate", "permessage-deflate; client_max_window_bits, x-custom"]
)
def test_compression_is_not_agreed_on(tenant: Tenant, path: str, offer: str) -> None:
    headers = {"Sec-WebSocket-Extensions": offer}
    with Wire(tenant.url, path, key=tenant.keys[role_for(path)], headers=headers) as wire:
        assert "sec-websocket-extensions" not in wire.headers


@BOTH
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Version": ""}, 426),
        ({"Upgrade": ""}, 426),
        ({"Connection": "close"}, 426),
        ({"Sec-WebSocket-Key": ""}, 400),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Sec-WebSocket-Key": "ü" * 12}, 400),
    ],
    ids=str,
)
def test_handshakes_that_are_none(
    tenant: Tenant, path: str, headers: dict[str, str], status: int
) -> None:
    key = tenant.keys[role_for(path)]
    assert refused(tenant.url, path, key=key, headers=headers)[0] == status


@BOTH
def test_a_plain_request_is_told_to_upgrade(tenant: Tenant, path: str) -> None:
    answer = Rest(tenant.url, tenant.keys[role_for(path)]).get(path)
    answer.problem(426, "upgrade_required")
    assert answer.headers["upgrade"] == "websocket"
    assert answer.headers["sec-websocket-version"] == "13"


def test_there_are_no_more_viewers_than_allowed(tenant: Tenant, impatient_url: str) -> None:
    """The impatient process takes three; agents and the health check have their own places."""
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(DashboardSocket(impatient_url, tenant.viewer))
        how = refused(impatient_url, DASHBOARD, key=tenant.viewer)
        assert how == (503, "too_many_sockets")
        stack.enter_context(AgentSocket(impatient_url, tenant.agent))
        Rest(impatient_url).get("/healthz").ok()
    deadline = time.monotonic() + 20
    while True:
        try:
            with DashboardSocket(impatient_url, tenant.viewer):
                break
        except Refused:
            assert time.monotonic() < deadline
            time.sleep(0.05)
