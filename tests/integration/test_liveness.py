"""Whether agents are really there: online, stale, lost, by the server's clock and any frame."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta

import pytest

from app.core import clock
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def test_silence_makes_an_agent_stale_and_then_lost_and_any_sign_brings_it_back(
    spare_tenant: Tenant,
) -> None:
    """Stale after five seconds, lost after eight; a second more may pass until it is judged."""
    tenant = spare_tenant
    history: dict[str, list[str]] = defaultdict(list)

    def watch(viewer: DashboardSocket) -> None:
        told = len(viewer.seen)
        viewer.linger(0.5)
        for message in viewer.seen[told:]:
            for agent in message["items"] if message["type"] == "agents" else ():
                states = history[agent["agent_id"]]
                if states[-1:] != [agent["liveness"]]:
                    states.append(agent["liveness"])

    with (
        DashboardSocket(tenant.url, tenant.viewer) as viewer,
        AgentSocket(tenant.url, tenant.agent, "pinging") as pinging,
        AgentSocket(tenant.url, tenant.agent, "silent"),
        AgentSocket(tenant.url, tenant.agent, "closed"),
    ):
        viewer.live()
        # By its own clock this one is of last week.
        long_ago = clock.rfc3339(clock.now() - timedelta(days=7))
        tenant.sender.send(event("by-rest", time=long_ago))
        deadline = time.monotonic() + 40
        while not all(history[name][-1:] == ["lost"] for name in ("silent", "closed", "by-rest")):
            assert time.monotonic() < deadline, dict(history)
            pinging.send({"type": "ping"})
            watch(viewer)
        for name in ("silent", "closed", "by-rest"):
            assert history[name][-3:] == ["online", "stale", "lost"]
        assert "lost" not in history["pinging"]
        assert "stale" not in history["pinging"]
        with DashboardSocket(tenant.url, tenant.viewer) as later:
            later.live()
            shown = {a["agent_id"]: a["liveness"] for a in later.of_kind("snapshot")[0]["agents"]}
        lost = dict.fromkeys(("silent", "closed", "by-rest"), "lost")
        assert shown == {**lost, "pinging": "online"}
        tenant.sender.send(event("by-rest"))
        with AgentSocket(tenant.url, tenant.agent, "closed"):
            while not all(history[name][-1] == "online" for name in ("closed", "by-rest")):
                assert time.monotonic() < deadline + 20, dict(history)
                watch(viewer)
