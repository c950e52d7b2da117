"""The backplane was away: what was said on it meanwhile is asked for anew."""

from __future__ import annotations

import pytest

from launcher.stack import Stack
from tests.chaos.breaking import event, kill, wait_for_queue
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos


def test_viewers_hear_how_all_agents_are(fragile: Stack, rest: Rest) -> None:
    rest.send(event("quiet", 1))
    wait_for_queue(rest)
    with DashboardSocket(fragile.url, fragile.admin_key) as viewer:
        viewer.live(filter={"agent_ids": ["quiet"]})
        # It was told of in the last round already, when it was stored.
        viewer.linger(1.5)
        told = len(viewer.of_kind("agents"))
        kill(fragile, "valkey")
        fragile.start("valkey")
        viewer.expect("agents", timeout_s=20)
        [quiet] = viewer.of_kind("agents")[told]["items"]
        assert quiet["agent_id"] == "quiet"
