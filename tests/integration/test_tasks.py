"""Tasks over REST: created, changed, refused, and told in history; reported on by agents."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

WRITERS = 8
"""At once; more of them mostly refuse each other, which takes its time on two cores."""


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    """A manager in a project that has the agents w and v."""
    tenant.sender.send(event(agent_id="w"), event(agent_id="v"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


def created(manager: Rest, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = manager.post(
        "/v1/tasks", {"title": "read", "agent_id": "w", **fields}
    ).ok(201)
    return body


def told(manager: Rest, task_id: str, count: int) -> list[dict[str, Any]]:
    """The events of a task, oldest first, once there are so many."""
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        found[:] = manager.events(task_id=task_id, order="asc")
        return len(found) >= count

    wait_until(enough, timeout_s=10, what=lambda: f"{count} events, not {found}")
    return found


def test_a_task_is_created_changed_and_told(manager: Rest) -> None:
    answer = manager.post("/v1/tasks", {"title": "read", "agent_id": "w", "input": {"n": [1]}})
    task = answer.ok(201)
    assert answer.headers["location"] == f"/v1/tasks/{task['task_id']}"
    assert answer.headers["etag"] == '"1"'
    assert (task["state"], task["version"], task["input"]) == ("submitted", 1, {"n": [1]})
    path = answer.headers["location"]
    assert manager.get(path).ok() == task
    changed = manager.patch(path, {"state": "working", "progress": 0.5}, 1).ok()
    assert (changed["state"], changed["progress"], changed["version"]) == ("working", 0.5, 2)
    kinds = [(item["type"], item["agent_id"]) for item in told(manager, task["task_id"], 2)]
    assert kinds == [("task.created", "w"), ("task.started", "w")]


def test_versions(manager: Rest) -> None:
    path = f"/v1/tasks/{created(manager)['task_id']}"
    manager.patch(path, {"title": "x"}).problem(428, "precondition_required")
    manager.patch(path, {"title": "x"}, 7).problem(412, "precondition_failed", "current_version")
    unchanged = manager.patch(path, {"title": "read"}, 1).ok()
    assert unchanged["version"] == 1
    assert manager.patch(path, {"title": "x"}, 1).ok()["version"] == 2
    stale = manager.patch(path, {"title": "y"}, 1)
    assert stale.problem(412, "precondition_failed", "current_version")["current_version"] == 2


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"agent_id": "stranger"}, "/agent_id"),
        ({"parent_id": "nobody"}, "/parent_id"),
        ({"deadline_at": "2020-01-01T00:00:00Z"}, "/deadline_at"),
        ({"title": ""}, "/title"),
        ({"title": 5}, "/title"),
        ({"colour": "red"}, "/colour"),
        ({"input": "x" * 65_480}, "/input"),
    ],
)
def test_a_field_that_is_wrong_is_pointed_at(
    manager: Rest, fields: dict[str, Any], pointer: str
) -> None:
    answer = manager.post("/v1/tasks", {"title": "read", "agent_id": "w", **fields})
    problem = answer.problem(422, "unprocessable")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert manager.get("/v1/tasks").ok()["items"] == []


def test_what_the_state_does_not_allow_is_refused(manager: Rest) -> None:
    task = created(manager)
    path = f"/v1/tasks/{task['task_id']}"
    assert manager.post(f"{path}/cancel", {"note": "enough"}).ok()["state"] == "canceled"
    assert manager.post(f"{path}/cancel").ok()["version"] == 2
    answer = manager.patch(path, {"state": "working"}, 2)
    refused = answer.problem(409, "transition_refused", "current_state")
    assert refused["current_state"] == "canceled"


def test_an_agents_report_moves_its_task(tenant: Tenant, manager: Rest) -> None:
    task_id = created(manager)["task_id"]
    tenant.sender.send(
        event(agent_id="w", type="task.started", task_id=task_id),
        event(agent_id="w", type="task.completed", task_id=task_id, data={"result": [1, 2]}),
        event(agent_id="w", type="task.started", task_id=task_id, id="too-late"),
    )
    task = manager.get(f"/v1/tasks/{task_id}").ok()
    assert (task["state"], task["result"], task["version"]) == ("completed", [1, 2], 3)
    assert task["finished_at"] is not None
    refusal = told(manager, task_id, 5)[-1]
    assert refusal["type"] == "task.transition_refused"
    assert refusal["data"]["event_id"] == "too-late"
    assert refusal["data"]["state"] == "completed"


def test_a_report_on_a_task_that_nobody_created_makes_it(tenant: Tenant, manager: Rest) -> None:
    tenant.sender.send(event(agent_id="w", type="task.progress", task_id="own/1 ü"))
    assert manager.get("/v1/tasks/own/1%20%C3%BC").ok()["state"] == "working"


def test_the_tree_and_its_circles(manager: Rest) -> None:
    root = created(manager)["task_id"]
    child = created(manager, parent_id=root)["task_id"]
    leaf = created(manager, parent_id=child, agent_id="v")["task_id"]
    answer = manager.patch(f"/v1/tasks/{root}", {"parent_id": leaf}, 1)
    [error] = answer.problem(422, "unprocessable")["errors"]
    assert error["pointer"] == "/parent_id"
    tree = manager.get(f"/v1/tasks/{root}/tree").ok()
    assert tree["task"]["task_id"] == root
    assert tree["children"][0]["children"][0]["task"]["task_id"] == leaf
    assert not tree["truncated"]


def test_lists(manager: Rest) -> None:
    names = [created(manager, title=f"t{n}")["task_id"] for n in range(5)]
    first = manager.get("/v1/tasks", limit=3).ok()
    second = manager.get("/v1/tasks", limit=3, cursor=first["next"]).ok()
    assert [task["task_id"] for task in first["items"] + second["items"]] == names[::-1]
    assert second["next"] is None
    found = manager.get("/v1/tasks", text="T3", state="submitted,working").ok()["items"]
    assert [task["title"] for task in found] == ["t3"]
    manager.get("/v1/tasks", cursor="x!").problem(400, "bad_request")
    manager.get("/v1/tasks", state="lost").problem(422, "unprocessable")


def test_a_key_makes_a_task_once(manager: Rest) -> None:
    body = {"title": "once", "agent_id": "w"}
    first = manager.post("/v1/tasks", body, {"Idempotency-Key": '"k1"'})
    again = manager.post("/v1/tasks", body, {"Idempotency-Key": "k1"})
    assert again.ok(201) == first.ok(201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    other = manager.post("/v1/tasks", {**body, "title": "other"}, {"Idempotency-Key": "k1"})
    other.problem(422, "idempotency_key_reused")
    manager.post("/v1/tasks", body, {"Idempotency-Key": "k" * 256}).problem(400, "bad_request")


def test_an_error_is_replayed_too(manager: Rest, tenant: Tenant) -> None:
    body = {"title": "early", "agent_id": "late"}
    first = manager.post("/v1/tasks", body, {"Idempotency-Key": "k2"})
    first.problem(422, "unprocessable")
    tenant.sender.send(event(agent_id="late"))
    again = manager.post("/v1/tasks", body, {"Idempotency-Key": "k2"})
    assert again.problem(422, "unprocessable") == first.json
    assert again.headers["idempotency-replayed"] == "true"


def test_many_at_once_with_one_key_make_one(manager: Rest) -> None:
    def create(n: int) -> str:
        body = {"title": f"t{n % 5}", "agent_id": "w"}
        deadline = time.monotonic() + 30
        while True:
            answer = manager.post("/v1/tasks", body, {"Idempotency-Key": f"key-{n % 5}"})
            if answer.status != 409 or time.monotonic() > deadline:
                return str(answer.ok(201)["task_id"])
            time.sleep(0.02)

    with ThreadPoolExecutor(16) as pool:
        names = list(pool.map(create, range(100)))
    assert len(set(names)) == 5
    assert len(manager.get("/v1/tasks").ok()["items"]) == 5


def test_two_hundred_writers_lose_no_update(manager: Rest) -> None:
    path = f"/v1/tasks/{created(manager)['task_id']}"
    manager.patch(path, {"note": ""}, 1).ok()

    def write(n: int) -> None:
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline:
            task = manager.get(path).ok()
            answer = manager.patch(path, {"note": f"{task['note']}{n},"}, task["version"])
            if answer.status == 200:
                return
            answer.problem(412, "precondition_failed", "current_version")
        raise TimeoutError(n)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(200)))
    task = manager.get(path).ok()
    assert task["version"] == 202
    assert sorted(map(int, task["note"].strip(",").split(","))) == list(range(200))


def test_walls_and_roles(tenant: Tenant, neighbour: Tenant, manager: Rest) -> None:
    task_id = created(manager)["task_id"]
    path = f"/v1/tasks/{task_id}"
    stranger = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    for answer in (
        stranger.get(path),
        stranger.get(f"{path}/tree"),
        stranger.patch(path, {"title": "mine"}, 1),
        stranger.post(f"{path}/cancel"),
    ):
        answer.problem(404, "not_found")
    assert stranger.get("/v1/tasks").ok()["items"] == []
    for role in (Role.VIEWER, Role.AGENT, Role.OPERATOR):
        Rest(tenant.url, tenant.keys[role]).post(
            "/v1/tasks", {"title": "x", "agent_id": "w"}
        ).problem(403, "forbidden")
    assert manager.get(path).ok()["version"] == 1


def test_a_task_has_its_events(manager: Rest, neighbour: Tenant) -> None:
    task_id = created(manager)["task_id"]
    created(manager)
    told(manager, task_id, 1)
    found = manager.get(f"/v1/tasks/{task_id}/events").ok()["items"]
    assert [item["type"] for item in found] == ["task.created"]
    stranger = neighbour.reader.get(f"/v1/tasks/{task_id}/events")
    stranger.problem(404, "not_found")


def test_a_dashboard_begins_with_the_tasks(tenant: Tenant, manager: Rest) -> None:
    mine = created(manager)["task_id"]
    other = created(manager, agent_id="v")["task_id"]
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live("all")
        viewer.live("one", filter={"agent_ids": ["w"]})
        everything, one = viewer.of_kind("snapshot")
    assert [task["task_id"] for task in everything["tasks"]] == [other, mine]
    assert [task["task_id"] for task in one["tasks"]] == [mine]
