"""Two hundred writers in the same moment: one of them wins, or all of them are merged (§1)."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app.domain.access import Role
from tests.integration.rest import Answer, Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

WRITERS = 200
CONFIG = "/v1/agents/w/config"


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    """A manager in a project that has the agent w."""
    tenant.sender.send(event(agent_id="w"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


def at_once(write: Callable[[int], Answer]) -> list[Answer]:
    """What all are answered. Who is told to come again, because so many are there, does so."""
    barrier = Barrier(WRITERS)

    def begin(number: int) -> Answer:
        barrier.wait()
        deadline = time.monotonic() + 60
        while (answer := write(number)).status == 503 and time.monotonic() < deadline:
            time.sleep(float(answer.headers["retry-after"]))
        return answer

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(begin, range(WRITERS)))


def one_won(answers: list[Answer]) -> int:
    """Who has won; all others are told which version it made."""
    for answer in answers:
        if answer.status != 200:
            problem = answer.problem(412, "precondition_failed", "current_version")
            assert problem["current_version"] == 2
    [winner] = [number for number, answer in enumerate(answers) if answer.status == 200]
    return winner


def test_one_writes_the_configuration(manager: Rest) -> None:
    manager.put(CONFIG, "nobody's", first=True).ok()
    winner = one_won(at_once(lambda n: manager.put(CONFIG, n, 1)))
    assert manager.get(CONFIG).ok() == {"version": 2, "value": winner}


def test_one_changes_the_task(manager: Rest) -> None:
    made = manager.post("/v1/tasks", {"title": "wanted", "agent_id": "w"}).ok(201)
    path = f"/v1/tasks/{made['task_id']}"
    winner = one_won(at_once(lambda n: manager.patch(path, {"note": str(n)}, 1)))
    task = manager.get(path).ok()
    assert (task["version"], task["note"]) == (2, str(winner))


def test_all_are_merged(manager: Rest) -> None:
    manager.put(CONFIG, {}, first=True).ok()
    answers = at_once(lambda n: manager.put(CONFIG, {f"f{n}": n}, 1, merge="lww"))
    assert {answer.status for answer in answers} == {200}
    assert manager.get(CONFIG).ok() == {
        "version": WRITERS + 1,
        "value": {f"f{n}": n for n in range(WRITERS)},
    }
