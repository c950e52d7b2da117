"""Commands over REST: given, listed, refused, told in history, and expired by the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

PATH = "/v1/agents/w/commands"


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    """A manager in a project that has the agents w and v."""
    tenant.sender.send(event(agent_id="w"), event(agent_id="v"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


def types_told(manager: Rest, pattern: str) -> list[str]:
    return [item["type"] for item in manager.events(type=pattern, order="asc")]


def test_a_command_waits_for_an_agent_that_is_away(manager: Rest) -> None:
    answer = manager.post(PATH, {"name": "pause", "args": {"why": "cost"}})
    command = answer.ok(201)
    assert answer.headers["location"] == f"{PATH}/{command['command_id']}"
    assert (command["state"], command["args"], command["deliveries"]) == (
        "queued",
        {"why": "cost"},
        0,
    )
    assert manager.get(answer.headers["location"]).ok() == command
    wait_until(lambda: bool(types_told(manager, "command.*")), timeout_s=10, what=str)
    [told] = manager.events(type="command.*")
    assert (told["type"], told["agent_id"]) == ("command.queued", "w")
    assert told["data"]["args"] == {"why": "cost"}
    assert told["data"]["command_id"] == command["command_id"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "Pause"}, "/name"),
        ({"name": "x" * 65}, "/name"),
        ({"args": [1]}, "/args"),
        ({"args": {"x": "y" * 33_000}}, "/args"),
        ({"args": {"x": "\0"}}, "/args"),
        ({"deadline_s": 0}, "/deadline_s"),
        ({"deadline_s": -5}, "/deadline_s"),
        ({"deadline_s": 7 * 86_400 + 1}, "/deadline_s"),
        ({"deadline_s": "NaN"}, "/deadline_s"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_field_that_is_wrong_is_pointed_at(
    manager: Rest, fields: dict[str, Any], pointer: str
) -> None:
    [error] = manager.post(PATH, {"name": "pause", **fields}).problem(422, "unprocessable")[
        "errors"
    ]
    assert error["pointer"] == pointer
    assert manager.get(PATH).ok()["items"] == []


def test_lists(manager: Rest) -> None:
    names = [manager.post(PATH, {"name": f"c{n}"}).ok(201)["command_id"] for n in range(5)]
    manager.post("/v1/agents/v/commands", {"name": "other"}).ok(201)
    first = manager.get(PATH, limit=3).ok()
    second = manager.get(PATH, limit=3, cursor=first["next"]).ok()
    assert [c["command_id"] for c in first["items"] + second["items"]] == names[::-1]
    assert second["next"] is None
    assert manager.get(PATH, state="done,failed").ok()["items"] == []
    assert len(manager.get(PATH, state="queued,delivered").ok()["items"]) == 5
    manager.get(PATH, state="lost").problem(422, "unprocessable")
    manager.get(PATH, cursor="x!").problem(400, "bad_request")


def test_a_key_gives_a_command_once(manager: Rest) -> None:
    first = manager.post(PATH, {"name": "pause"}, {"Idempotency-Key": "k"}).ok(201)
    again = manager.post(PATH, {"name": "pause"}, {"Idempotency-Key": "k"})
    assert again.ok(201) == first
    assert again.headers["idempotency-replayed"] == "true"
    assert len(manager.get(PATH).ok()["items"]) == 1


def test_walls_and_roles(manager: Rest, tenant: Tenant, neighbour: Tenant) -> None:
    command_id = manager.post(PATH, {"name": "pause"}).ok(201)["command_id"]
    stranger = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    stranger.get(f"{PATH}/{command_id}").problem(404, "not_found")
    assert stranger.get(PATH).ok()["items"] == []
    stranger.post(PATH, {"name": "pause"}).problem(404, "not_found")
    manager.get(f"/v1/agents/v/commands/{command_id}").problem(404, "not_found")
    manager.get(f"{PATH}/nonsense").problem(404, "not_found")
    for role in (Role.VIEWER, Role.AGENT, Role.OPERATOR):
        Rest(tenant.url, tenant.keys[role]).post(PATH, {"name": "x"}).problem(403, "forbidden")


def test_what_nobody_does_in_time_expires(manager: Rest) -> None:
    path = manager.post(PATH, {"name": "pause", "deadline_s": 1}).headers["location"]
    wait_until(
        lambda: manager.get(path).ok()["state"] == "expired",
        timeout_s=10,
        what=lambda: str(manager.get(path).ok()),
    )
    assert manager.get(path).ok()["finished_at"] is not None
    wait_until(
        lambda: types_told(manager, "command.*") == ["command.queued", "command.expired"],
        timeout_s=10,
        what=lambda: str(types_told(manager, "command.*")),
    )


def test_a_task_that_is_late_fails(manager: Rest) -> None:
    task = manager.post("/v1/tasks", {"title": "read", "agent_id": "w"}).ok(201)
    path = f"/v1/tasks/{task['task_id']}"
    soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    manager.patch(path, {"deadline_at": soon}, 1).ok()
    wait_until(
        lambda: manager.get(path).ok()["state"] == "failed",
        timeout_s=10,
        what=lambda: str(manager.get(path).ok()),
    )
    failed = manager.get(path).ok()
    assert (failed["error"], failed["version"]) == ("deadline", 3)
    wait_until(
        lambda: "task.failed" in types_told(manager, "task.*"), timeout_s=10, what=lambda: "event"
    )
