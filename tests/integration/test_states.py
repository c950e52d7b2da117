"""The past over REST: agents and tasks as they were, also far back and over snapshots."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.core import clock
from app.domain.access import Role
from tests.integration.rest import Rest
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant


def now() -> str:
    """A moment that lies between what was sent before and what is sent after."""
    time.sleep(0.005)
    moment = clock.rfc3339(clock.now())
    time.sleep(0.005)
    return moment


def status(word: str, **fields: Any) -> dict[str, Any]:
    return event(agent_id="w", type="agent.status", data={"status": word}, **fields)


def test_an_agent_as_it_was(tenant: Tenant) -> None:
    tenant.sender.send(status("idle"))
    first = now()
    tenant.sender.send(status("busy", task_id="t1"))
    second = now()
    tenant.sender.send(event(agent_id="w", type="agent.metric", data={"cpu_pct": 7.5}))
    then = tenant.reader.get("/v1/agents/w/state", at=first).ok()
    assert (then["status"], then["task_id"], then["events"]) == ("idle", None, 1)
    assert then["complete"]
    later = tenant.reader.get("/v1/agents/w/state", at=second).ok()
    assert (later["status"], later["task_id"], later["cpu_pct"]) == ("busy", "t1", None)
    present = tenant.reader.get("/v1/agents/w/state").ok()
    assert (present["status"], present["cpu_pct"], present["events"]) == ("busy", 7.5, 3)
    tenant.reader.get("/v1/agents/w/state", at="2026-01-01T00:00:00Z").problem(404, "not_found")
    tenant.reader.get("/v1/agents/w/state", at="yesterday").problem(422, "unprocessable")


def test_snapshots_carry_what_lies_before_them(tenant: Tenant, engine: Engine) -> None:
    tenant.sender.send(status("begun"))
    moments: list[tuple[str, int]] = []
    for _ in range(5):
        tenant.sender.send(*numbered(700, "w"))
        moments.append((now(), 1 + 700 * (len(moments) + 1)))
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT count(*) FROM projection_snapshots WHERE project_id = :project"),
            {"project": tenant.project_id},
        ).scalar_one()
    # One for each batch in which another 250 were full.
    assert 5 <= kept <= 14
    for moment, events in moments:
        then = tenant.reader.get("/v1/agents/w/state", at=moment).ok()
        assert (then["events"], then["status"]) == (events, "begun")


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    tenant.sender.send(event(agent_id="w"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


def test_a_task_as_it_was(tenant: Tenant, manager: Rest) -> None:
    task = manager.post("/v1/tasks", {"title": "read", "agent_id": "w"}).ok(201)
    path = f"/v1/tasks/{task['task_id']}"
    first = now()
    manager.patch(path, {"title": "read all"}, 1).ok()
    tenant.sender.send(event(agent_id="w", type="task.started", task_id=task["task_id"]))
    second = now()
    tenant.sender.send(event(agent_id="w", type="task.completed", task_id=task["task_id"]))
    assert manager.get(path, at=first).ok() == task
    then = manager.get(path, at=second).ok()
    assert (then["title"], then["state"], then["version"]) == ("read all", "working", 3)
    assert manager.get(path, at=now()).ok() == manager.get(path).ok()
    manager.get(path, at="2026-01-01T00:00:00Z").problem(404, "not_found")
