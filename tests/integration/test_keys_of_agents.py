"""Keys that are one agent's own: they speak for that agent alone, and read what is its own."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.agent_socket import PATH, AgentSocket
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant
from tests.integration.wire import Wire

OTHER_AGENT = (4500, "other_agent", False)


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    """A manager in a project that has the agents w and v."""
    tenant.sender.send(event(agent_id="w"), event(agent_id="v"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


@pytest.fixture
def own(tenant: Tenant, manager: Rest) -> Rest:
    """The key of the agent w."""
    made = make(tenant, agent_id="w").ok(201)
    assert (made["agent_id"], made["role"]) == ("w", "agent")
    return Rest(manager.url, made["key"])


def make(tenant: Tenant, **fields: Any) -> Any:
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    return admin.post("/v1/api-keys", {"name": "w's own", "role": "agent", **fields})


def test_it_speaks_for_its_agent_alone(own: Rest, tenant: Tenant) -> None:
    own.send({"type": "agent.log", "data": {"message": "hello"}}, event(agent_id="w"))
    answer = own.post("/v1/events", [event(agent_id="w"), event(agent_id="v")])
    [refused] = answer.ok(202)["rejected"]
    assert (refused["index"], refused["code"]) == (1, "agent_mismatch")
    own.post("/v1/agents", {"agent_id": "v"}).problem(403, "forbidden")
    wait_until(
        lambda: len(tenant.reader.events(agent_id="w")) == 4, timeout_s=10, what=lambda: "late"
    )
    assert len(tenant.reader.events(agent_id="v")) == 1


def test_it_opens_its_agents_socket_alone(own: Rest) -> None:
    with AgentSocket(own.url, own.key, "w") as socket:
        socket.events(1, {"type": "agent.log", "data": {"message": "hello"}})
        socket.until_stored(1)
    token = own.post("/v1/auth/socket-token").ok()["token"]
    for wire in (Wire(own.url, PATH, key=own.key), Wire(own.url, f"{PATH}?token={token}")):
        wire.send({"type": "hello", "agent_id": "v", "role": "worker", "incarnation": 1})
        bye = wire.bye()
        assert (bye["code"], bye["reason"], bye["reconnect"]) == OTHER_AGENT
        wire.sock.close()


def test_it_reads_what_is_its_agents(own: Rest, manager: Rest) -> None:
    tasks = {
        agent: manager.post("/v1/tasks", {"title": agent, "agent_id": agent}).ok(201)["task_id"]
        for agent in ("w", "v")
    }
    commands = {}
    for agent in ("w", "v"):
        manager.put(f"/v1/agents/{agent}/config", {"a": 1}, first=True).ok()
        command = manager.post(f"/v1/agents/{agent}/commands", {"name": "pause"}).ok(201)
        commands[agent] = command["command_id"]

    def below(agent: str) -> list[str]:
        at = f"/v1/agents/{agent}"
        config = [
            f"{at}/config{rest}" for rest in ("", "/history", "/history/1", "/diff?from=1&to=1")
        ]
        return [at, *config, f"{at}/commands", f"{at}/commands/{commands[agent]}", f"{at}/state"]

    token = own.post("/v1/auth/token").ok()["token"]
    for reader in (own, Rest(own.url, token)):
        for path in (*below("w"), f"/v1/tasks/{tasks['w']}"):
            assert reader.get(path).status == 200, path
        for path in (*below("v"), "/v1/agents/nobody", "/v1/tasks?agent_id=v"):
            reader.get(path).problem(403, "forbidden")
        for task_id in (tasks["v"], "nothing"):
            reader.get(f"/v1/tasks/{task_id}").problem(404, "not_found")
        assert [one["task_id"] for one in reader.get("/v1/tasks").ok()["items"]] == [tasks["w"]]


@pytest.mark.parametrize(
    "path",
    ["/v1/agents", "/v1/events", "/v1/stream", "/v1/ledger", "/v1/config-schema", "/v1/api-keys"],
)
def test_it_reads_nothing_else(own: Rest, path: str) -> None:
    own.get(path).problem(403, "forbidden")


def test_it_changes_nothing(own: Rest, manager: Rest) -> None:
    task = manager.post("/v1/tasks", {"title": "x", "agent_id": "w"}).ok(201)
    for answer in (
        own.get(f"/v1/tasks/{task['task_id']}/tree"),
        own.get(f"/v1/tasks/{task['task_id']}/events"),
        own.patch(f"/v1/tasks/{task['task_id']}", {"title": "mine"}, 1),
        own.post(f"/v1/tasks/{task['task_id']}/cancel"),
        own.put("/v1/agents/w/config", {"a": 2}, first=True),
        own.post("/v1/agents/w/commands", {"name": "pause"}),
    ):
        answer.problem(403, "forbidden")


def test_a_key_for_any_agent_reads_nothing(tenant: Tenant, manager: Rest) -> None:
    task = manager.post("/v1/tasks", {"title": "x", "agent_id": "w"}).ok(201)
    anyone = tenant.sender
    for path in ("/v1/agents/w", "/v1/agents/w/config", "/v1/tasks", "/v1/tasks?agent_id=w"):
        anyone.get(path).problem(403, "forbidden")
    anyone.get(f"/v1/tasks/{task['task_id']}").problem(403, "forbidden")


@pytest.mark.parametrize(
    "fields", [{"agent_id": "w", "role": "viewer"}, {"agent_id": "ü"}, {"agent_id": ""}], ids=str
)
def test_what_is_no_agents_key(tenant: Tenant, fields: dict[str, Any]) -> None:
    problem = make(tenant, **fields).problem(422, "unprocessable")
    assert [error["pointer"] for error in problem["errors"]] == ["/agent_id"]
