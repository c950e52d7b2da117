"""A change made in SQL reaches the agent and the dashboard at once, also after a restart."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Engine, text

from app.domain.access import Role
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

SOON_S = 1.0
"""The sweep alone would take from one second to two."""


def test_a_change_in_sql_is_seen_at_once_and_again_after_a_restart(
    spare: Stack, spare_engine: Engine, spare_tenant: Tenant
) -> None:
    spare_tenant.sender.send(event(agent_id="w"))
    manager = Rest(spare.url, spare_tenant.keys[Role.MANAGER])
    manager.put("/v1/agents/w/config", 1, first=True).ok()
    wait_for_listeners(spare, 1)
    with (
        AgentSocket(spare.url, spare_tenant.agent, "w") as agent,
        DashboardSocket(spare.url, spare_tenant.viewer) as viewer,
    ):
        viewer.live(filter={"types": ["config.changed"]})
        wait_until(lambda: agent_knows(manager, 1), timeout_s=10, what=str)
        for version in (2, 3):
            expect_soon(agent, viewer, change_in_sql(spare_engine, spare_tenant, version), version)
        before = listeners(spare)
        spare.stop("postgres")
        spare.start("postgres")
        wait_for_listeners(spare, before + 1)
        spare.wait_ready()
        for version in (4, 5):
            expect_soon(agent, viewer, change_in_sql(spare_engine, spare_tenant, version), version)


def expect_soon(agent: AgentSocket, viewer: DashboardSocket, began: float, version: int) -> None:
    config = agent.expect("config")
    assert (config["version"], config["value"]) == (version, version)
    viewer.until(
        lambda message: (
            message["type"] == "events"
            and message["items"][-1]["data"] == {"version": version, "changed_by": "database"}
        )
    )
    assert time.monotonic() - began < SOON_S


def change_in_sql(engine: Engine, tenant: Tenant, value: int) -> float:
    """Change the configuration of w as somebody in psql would; the moment of the commit."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE agent_configs SET value = :value WHERE project_id = :project"),
            {"value": str(value), "project": tenant.project_id},
        )
    return time.monotonic()


def agent_knows(manager: Rest, changes: int) -> bool:
    return len(manager.events(type="config.changed")) >= changes


def listeners(stack: Stack) -> int:
    """How often the clock has begun to listen."""
    return (stack.folder.logs / "clock.log").read_text().count('"listening"')


def wait_for_listeners(stack: Stack, count: int) -> None:
    wait_until(lambda: listeners(stack) >= count, timeout_s=20, what=lambda: "nobody listens")
