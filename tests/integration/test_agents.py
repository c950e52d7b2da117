"""Agents over REST: listed and found, made known, and kept apart."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant


def names(answer: Any) -> list[str]:
    return [agent["agent_id"] for agent in answer.ok()["items"]]


def test_agents_are_listed_and_filtered(tenant: Tenant) -> None:
    tenant.sender.send(
        event(agent_id="a/1", type="agent.status", data={"status": "busy"}, task_id="t1"),
        event(agent_id="b", type="agent.registered", data={"role": "manager", "name": "Über"}),
        event(agent_id="c", type="agent.status", data={"status": "idle"}),
    )
    reader = tenant.reader
    assert names(reader.get("/v1/agents")) == ["a/1", "b", "c"]
    assert names(reader.get("/v1/agents", status="busy,idle")) == ["a/1", "c"]
    assert names(reader.get("/v1/agents", liveness="online")) == ["a/1", "b", "c"]
    assert names(reader.get("/v1/agents", liveness="lost,stale")) == []
    assert names(reader.get("/v1/agents", role="manager")) == ["b"]
    assert names(reader.get("/v1/agents", text="über")) == ["b"]
    assert names(reader.get("/v1/agents", task_id="t1")) == ["a/1"]
    first = reader.get("/v1/agents", limit=2).ok()
    assert names(reader.get("/v1/agents", limit=2, cursor=first["next"])) == ["c"]
    one = reader.get("/v1/agents/a/1").ok()
    assert (one["status"], one["task_id"], one["events"]) == ("busy", "t1", 1)
    for name, value in (("liveness", "dead"), ("role", "x"), ("colour", "red"), ("text", "\0")):
        reader.get("/v1/agents", None, **{name: value}).problem(422, "unprocessable")
    reader.get("/v1/agents", cursor="x!").problem(400, "bad_request")
    reader.get("/v1/agents/nobody").problem(404, "not_found")


def test_what_a_hello_says_is_shown(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent, "w", name="Wanda", meta={"gpu": 2}):
        one = tenant.reader.get("/v1/agents/w").ok()
    assert (one["name"], one["meta"], one["liveness"]) == ("Wanda", {"gpu": 2}, "online")


def test_an_agent_is_made_known_once(tenant: Tenant) -> None:
    body = {"agent_id": "w/1", "name": "Wanda", "role": "manager", "meta": {"gpu": [1, 2.5]}}
    made = tenant.sender.post("/v1/agents", body)
    agent = made.ok(201)
    assert made.headers["location"] == "/v1/agents/w/1"
    assert (agent["name"], agent["role"], agent["meta"]) == ("Wanda", "manager", body["meta"])
    again = tenant.sender.post("/v1/agents", body).ok(200)
    assert again["first_seen_at"] == agent["first_seen_at"]
    tenant.sender.post("/v1/agents", {**body, "name": "Ulla"}).problem(409, "agent_exists")
    assert tenant.reader.get("/v1/agents/w/1").ok()["name"] == "Wanda"
    wait_until(
        lambda: len(tenant.reader.events(agent_id="w/1")) == 1,
        timeout_s=10,
        what=lambda: "no event",
    )
    [told] = tenant.reader.events(agent_id="w/1")
    assert (told["type"], told["data"]) == (
        "agent.registered",
        {"role": "manager", "name": "Wanda"},
    )


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"agent_id": "ä"}, "/agent_id"),
        ({"agent_id": ""}, "/agent_id"),
        ({"role": "boss"}, "/role"),
        ({"name": "x" * 201}, "/name"),
        ({"meta": []}, "/meta"),
        ({"meta": {"x": "y" * 16_400}}, "/meta"),
        ({"meta": {"x": "\0"}}, "/meta"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_field_that_is_wrong_is_pointed_at(
    tenant: Tenant, fields: dict[str, Any], pointer: str
) -> None:
    answer = tenant.sender.post("/v1/agents", {"agent_id": "w", **fields})
    [error] = answer.problem(422, "unprocessable")["errors"]
    assert error["pointer"] == pointer
    assert names(tenant.reader.get("/v1/agents")) == []


def test_walls_and_roles(tenant: Tenant, neighbour: Tenant) -> None:
    tenant.sender.post("/v1/agents", {"agent_id": "w"}).ok(201)
    stranger = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    stranger.get("/v1/agents/w").problem(404, "not_found")
    assert names(stranger.get("/v1/agents")) == []
    tenant.reader.post("/v1/agents", {"agent_id": "x"}).problem(403, "forbidden")
    tenant.sender.get("/v1/agents").problem(403, "forbidden")
