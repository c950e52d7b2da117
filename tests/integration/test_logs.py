"""What the gateway logs says whom it is about: connection, agent, partition."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.partition import agent_key, partition_of
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def lines_of(stack: Stack, connection: str) -> dict[str, dict[str, Any]]:
    """What was logged about a connection, by message."""
    found = [
        json.loads(line)
        for log in stack.folder.logs.glob("web*.log")
        for line in log.read_text(errors="replace").splitlines()
        if connection in line
    ]
    return {line["message"]: line for line in found}


def wait_for(stack: Stack, connection: str, message: str) -> dict[str, Any]:
    wait_until(
        lambda: message in lines_of(stack, connection),
        timeout_s=10,
        what=lambda: f"{message} of {connection} is not in the log",
    )
    return lines_of(stack, connection)[message]


def test_the_lines_of_an_agents_socket_name_the_agent(stack: Stack, tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent, "worker-in-the-log") as agent:
        connection = agent.welcome["connection"]
    project = str(tenant.project_id)
    partitions = int(stack.env["PARTITIONS"]) if "PARTITIONS" in stack.env else 8
    expected = {
        "connection": connection,
        "kind": "agent",
        "project": project,
        "agent": "worker-in-the-log",
        "partition": partition_of(agent_key(project, "worker-in-the-log"), partitions),
    }
    for message in ("agent_connected", "socket_ended"):
        assert expected.items() <= wait_for(stack, connection, message).items()


def test_the_lines_of_a_dashboards_socket_name_no_agent(stack: Stack, tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        connection = viewer.welcome["connection"]
    line = wait_for(stack, connection, "socket_ended")
    assert line["kind"] == "viewer"
    assert "agent" not in line
