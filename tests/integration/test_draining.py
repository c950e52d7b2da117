"""A web process that stops sends its sockets away, to come back elsewhere (§5)."""

from __future__ import annotations

import threading

import pytest

from launcher.stack import Stack
from tests.integration.agent_socket import AgentSocket
from tests.integration.conftest import web_beside
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def test_who_is_sent_away_goes_on_at_another_process(stack: Stack, tenant: Tenant) -> None:
    batch = numbered(40, None)
    with web_beside(stack, "web-draining") as url:
        viewer = DashboardSocket(url, tenant.viewer)
        agent = AgentSocket(url, tenant.agent)
        with viewer, agent:
            viewer.live()
            agent.events(1, *batch[:20])
            agent.until_stored(20)
            viewer.until_shown(20)
            stopping = threading.Thread(target=stack.supervisor.stop, args=("web-draining",))
            stopping.start()
            for socket in (viewer, agent):
                bye = socket.bye()
                assert (bye["code"], bye["reason"], bye["reconnect"]) == (4001, "draining", True)
                assert bye["retry_after_ms"] > 0
        stopping.join()
    with (
        AgentSocket(tenant.url, tenant.agent) as again,
        DashboardSocket(tenant.url, tenant.viewer) as other,
    ):
        other.live(cursor=viewer.cursors["live"])
        assert again.welcome["stored"] == 20
        again.events(21, *batch[20:])
        other.until_shown(20)
    shown = viewer.items["live"] + other.items["live"]
    assert numbers(shown) == list(range(1, 41))
