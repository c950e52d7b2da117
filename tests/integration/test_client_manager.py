"""The Python client's manager and the server: done once, and refused with the reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from telltale_client import ApiError, Config, Manager, NotFound, StaleVersion, Unfinished

from app.domain.access import Role
from tests.integration.tenants import Tenant


@pytest.fixture
def manager(tenant: Tenant) -> Manager:
    """A manager whose project has the worker w, that is away."""
    manager = Manager(tenant.url, tenant.keys[Role.MANAGER])
    manager.register_agent("w", name="Worker", meta={"place": "here"})
    return manager


def test_tasks(manager: Manager) -> None:
    root = manager.create_task("dig", "w", input={"depth": 3}, deadline_at="2030-01-01T00:00:00Z")
    assert (root.state, root.version, root.input) == ("submitted", 1, {"depth": 3})
    assert root.deadline_at is not None
    assert root.deadline_at.year == 2030
    child = manager.create_task("carry", "w", parent_id=root.task_id, created_by="w")
    working = manager.change_task(root, state="working", progress=0.5, deadline_at=None)
    assert (working.progress, working.deadline_at) == (0.5, None)
    assert manager.task(root.task_id) == working
    with pytest.raises(StaleVersion) as stale:
        manager.change_task(root, title="dig deep")
    assert (stale.value.current_version, stale.value.unsure) == (2, False)
    assert [task.task_id for task in manager.task_tree(root.task_id)] == [
        root.task_id,
        child.task_id,
    ]
    assert manager.cancel_task(child.task_id, "enough").note == "enough"
    assert manager.wait_for_task(child.task_id).state == "canceled"
    with pytest.raises(ApiError) as refused:
        manager.change_task(manager.task(child.task_id), state="working")
    assert (refused.value.status, refused.value.code) == (409, "transition_refused")
    assert [task.title for task in manager.tasks(agent_id="w")] == ["carry", "dig"]
    assert [task.title for task in manager.tasks(state="working,canceled", text="DIG")] == ["dig"]


def test_a_key_of_ones_own_makes_one_task(manager: Manager) -> None:
    made = [manager.create_task("dig", "w", idempotency_key="daily") for _ in range(2)]
    assert made[0] == made[1]
    with pytest.raises(ApiError, match="idempotency_key_reused"):
        manager.create_task("carry", "w", idempotency_key="daily")
    assert len(list(manager.tasks())) == 1


def test_refusals_point_at_the_field(manager: Manager) -> None:
    with pytest.raises(ApiError) as refused:
        manager.create_task("dig", "stranger")
    assert refused.value.status == 422
    assert [error["pointer"] for error in refused.value.errors] == ["/agent_id"]
    with pytest.raises(NotFound):
        manager.task("nothing")
    with pytest.raises(NotFound):
        manager.send_command("stranger", "pause")


def test_configurations(manager: Manager) -> None:
    assert manager.config("w") == Config(0, None)
    first = manager.set_config("w", {"a": 1, "b": 1}, 0)
    assert first == manager.config("w") == Config(1, {"a": 1, "b": 1})
    assert manager.set_config("w", {"a": 2, "b": 1}, 1).version == 2
    with pytest.raises(StaleVersion) as stale:
        manager.set_config("w", {"a": 1, "b": 2}, 1)
    assert stale.value.current_version == 2
    assert manager.set_config("w", {"a": 1, "b": 2}, 1, merge=True).value == {"a": 2, "b": 2}


def test_edits_at_once_lose_nothing(manager: Manager) -> None:
    def raise_by_one(value: Any) -> dict[str, int]:
        return {"count": (value or {"count": 0})["count"] + 1}

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: manager.edit_config("w", raise_by_one), range(12)))
    assert manager.config("w").value == {"count": 12}


def test_a_command_waits_for_who_is_away(manager: Manager) -> None:
    sent = manager.send_command("w", "dig", {"to": 3}, deadline_s=60)
    assert (sent.state, sent.args, sent.finished_at) == ("queued", {"to": 3}, None)
    with pytest.raises(Unfinished):
        manager.wait_for_command(sent, 0.1)
    assert manager.command("w", sent.command_id) == sent


def test_agents(manager: Manager) -> None:
    agent = manager.agent("w")
    assert (agent.name, agent.role, agent.status) == ("Worker", "worker", None)
    manager.register_agent("boss", role="manager")
    assert [one.agent_id for one in manager.agents()] == ["boss", "w"]
    assert [one.agent_id for one in manager.agents(role="worker", text="WORK")] == ["w"]
