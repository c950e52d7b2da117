"""Commands and configurations on the agent's own socket, and what the agent answers."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

COMMANDS = "/v1/agents/w/commands"
CONFIG = "/v1/agents/w/config"


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    """A manager in a project that has the agents w and v."""
    tenant.sender.send(event(agent_id="w"), event(agent_id="v"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


def order(manager: Rest, name: str = "pause", **fields: Any) -> str:
    return str(manager.post(COMMANDS, {"name": name, **fields}).ok(201)["command_id"])


def ack(socket: AgentSocket, command_id: str, status: str, **fields: Any) -> None:
    socket.send({"type": "command_ack", "id": command_id, "status": status, **fields})


def until(manager: Rest, command_id: str, state: str) -> dict[str, Any]:
    """The command, once it is in this state."""
    found: dict[str, Any] = {}

    def reached() -> bool:
        found.update(manager.get(f"{COMMANDS}/{command_id}").ok())
        return found["state"] == state

    wait_until(reached, timeout_s=10, what=lambda: f"{state}, not {found}")
    return found


def steps(manager: Rest, count: int) -> list[str]:
    """The types of the first events of commands, once there are so many."""
    found: list[str] = []

    def enough() -> bool:
        events = manager.events(type="command.*", order="asc")
        found[:] = [item["type"].removeprefix("command.") for item in events]
        return len(found) >= count

    wait_until(enough, timeout_s=10, what=lambda: f"{count} events, not {found}")
    return found


def test_a_command_is_pushed_and_answered(tenant: Tenant, manager: Rest) -> None:
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        began = time.monotonic()
        command_id = order(manager, args={"why": ["cost", 1.0]})
        pushed = socket.expect("command")
        assert time.monotonic() - began < 1
        assert (pushed["id"], pushed["name"]) == (command_id, "pause")
        assert pushed["args"] == {"why": ["cost", 1.0]}
        assert pushed["deadline"].endswith("Z")
        assert until(manager, command_id, "delivered")["deliveries"] == 1
        ack(socket, command_id, "received")
        until(manager, command_id, "received")
        ack(socket, command_id, "done", detail="paused")
        done = until(manager, command_id, "done")
        assert (done["detail"], done["finished_at"] is not None) == ("paused", True)
    assert steps(manager, 4) == ["queued", "delivered", "received", "done"]


def test_a_command_waits_and_comes_again_until_acknowledged(
    tenant: Tenant, manager: Rest, second_url: str
) -> None:
    first, second = order(manager, "one"), order(manager, "two")
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        assert [socket.expect("command")["id"] for _ in range(2)] == [first, second]
        until(manager, second, "delivered")
    with AgentSocket(second_url, tenant.agent, "w") as socket:
        assert [socket.expect("command")["id"] for _ in range(2)] == [first, second]
        ack(socket, first, "received")
        until(manager, first, "received")
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        assert socket.expect("command")["id"] == second
        ack(socket, second, "failed", detail="no")
        ack(socket, first, "done")
        until(manager, first, "done")
    assert until(manager, second, "failed")["deliveries"] == 3
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        third = order(manager, "three")
        assert socket.expect("command")["id"] == third


def test_answers_count_once_and_only_the_agents_own(tenant: Tenant, manager: Rest) -> None:
    command_id = order(manager)
    with (
        AgentSocket(tenant.url, tenant.agent, "v") as other,
        AgentSocket(tenant.url, tenant.agent, "w") as socket,
    ):
        ack(other, command_id, "done", detail="mine")
        ack(other, str(uuid4()), "done")
        socket.expect("command")
        for _ in range(3):
            ack(socket, command_id, "done", detail="first\0" + "x" * 3000)
            ack(socket, command_id, "failed", detail="second")
            ack(socket, command_id, "received")
        done = until(manager, command_id, "done")
        assert done["detail"] == ("first\ufffd" + "x" * 3000)[:2000]
        other.send({"type": "ping"})
        other.expect("pong")
    wait_until(lambda: "done" in steps(manager, 2), timeout_s=10, what=lambda: "done is not told")
    told = steps(manager, 2)
    assert (told[0], told.count("done"), "failed" in told) == ("queued", 1, False)


def test_what_a_former_life_had_fails_and_what_it_had_not_is_sent_anew(
    tenant: Tenant, manager: Rest, second_url: str
) -> None:
    had, unheard, still = order(manager, "had"), order(manager, "unheard"), order(manager, "still")
    with AgentSocket(tenant.url, tenant.agent, "w", incarnation=1) as socket:
        assert [socket.expect("command")["id"] for _ in range(3)] == [had, unheard, still]
        for command_id in (had, still):
            ack(socket, command_id, "received")
            until(manager, command_id, "received")
    with AgentSocket(second_url, tenant.agent, "w", incarnation=2) as socket:
        assert socket.expect("command")["id"] == unheard
        ack(socket, still, "received")
        ack(socket, unheard, "done")
        assert until(manager, had, "failed")["detail"] == "agent_restarted"
        until(manager, unheard, "done")
        ack(socket, had, "done")
        ack(socket, still, "done")
        until(manager, still, "done")
    wait_until(
        lambda: (
            [item["data"] for item in manager.events(type="command.failed")]
            == [{"command_id": had, "name": "had", "detail": "agent_restarted"}]
        ),
        timeout_s=10,
        what=lambda: str(manager.events(type="command.failed")),
    )


def test_an_answer_to_no_command_ends_the_socket(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        ack(socket, "no-uuid", "done")
        assert socket.expect("bye")["code"] == 4501


def test_many_commands_wait_for_answers(tenant: Tenant, manager: Rest) -> None:
    names = [order(manager, f"c{n}", args={"x": "y" * 20_000}) for n in range(30)]
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        for command_id in names:
            assert socket.expect("command")["id"] == command_id
            ack(socket, command_id, "done")
    until(manager, names[-1], "done")


def test_an_expired_command_is_not_sent(tenant: Tenant, manager: Rest) -> None:
    expired = order(manager, deadline_s=1)
    until(manager, expired, "expired")
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        later = order(manager, "later")
        assert socket.expect("command")["id"] == later
        ack(socket, expired, "done")
        ack(socket, later, "done")
        until(manager, later, "done")
    assert until(manager, expired, "expired")["detail"] is None


def test_the_configuration_comes_with_the_welcome_and_with_each_change(
    tenant: Tenant, manager: Rest, second_url: str
) -> None:
    with AgentSocket(tenant.url, tenant.agent, "w") as socket:
        assert socket.welcome["config"] == {"version": 0, "value": {}}
        manager.put(CONFIG, {"speed": 1.0}, first=True).ok()
        assert socket.expect("config") == {"type": "config", "version": 1, "value": {"speed": 1.0}}
        Rest(second_url, manager.key).put(CONFIG, {"speed": 2}, 1).ok()
        assert socket.expect("config")["version"] == 2
        manager.put("/v1/agents/v/config", {"speed": 9}, first=True).ok()
        manager.put(CONFIG, {"speed": 3}, 2).ok()
        assert socket.expect("config")["value"] == {"speed": 3}
    with AgentSocket(second_url, tenant.agent, "w") as socket:
        assert socket.welcome["config"] == {"version": 3, "value": {"speed": 3}}
