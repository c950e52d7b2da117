"""``flask projections rebuild``: rows are what history makes of them, and are mended if not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app.cli.commands import ROOT
from app.core import clock
from app.domain.access import Role
from app.storage import event_ranges
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration import tenants
from tests.integration.rest import Rest
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant

WAIT = {"Prefer": "wait=10"}
PROGRAM = (sys.executable, "-m", "flask", "--app", "wsgi")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rebuild(spare: Stack) -> Command:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, "projections", "rebuild", "--quiet", *options],
            cwd=ROOT,
            env={**os.environ, **spare.env},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


@pytest.fixture
def busy(spare: Stack, spare_engine: Engine) -> Tenant:
    """A project with agents and tasks that have been through something."""
    tenant = tenants.create(spare_engine, spare.url)
    tenant.sender.send(
        event(agent_id="w", type="agent.status", data={"status": "busy", "note": "é"}),
        event(agent_id="v", type="agent.metric", data={"cpu_pct": 12.25}),
        event(agent_id="w", type="task.progress", task_id="own", data={"progress": 0.3}),
    )
    for first in range(1, 1201, 300):
        # The spare stack's log is small on purpose.
        batch = numbered(300, "w", first=first)
        wait_until(
            lambda batch=batch: tenant.sender.post("/v1/events", batch, WAIT).status == 200,  # type: ignore[misc]
            timeout_s=20,
            what=lambda: "the log stays full",
        )
    manager = Rest(tenant.url, tenant.keys[Role.MANAGER])
    task = manager.post("/v1/tasks", {"title": "x", "agent_id": "w", "input": [1]}).ok(201)
    manager.patch(f"/v1/tasks/{task['task_id']}", {"state": "working"}, 1).ok()
    tenant.sender.send(
        event(agent_id="v", type="task.completed", task_id=task["task_id"], data={"result": {}})
    )
    wait_until(
        lambda: len(manager.events(task_id=task["task_id"])) == 3,
        timeout_s=10,
        what=lambda: "the changes are not in history",
    )
    return tenant


@pytest.mark.usefixtures("busy")
def test_rows_are_what_history_makes_of_them(rebuild: Command) -> None:
    checked = rebuild("--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "No difference." in checked.stdout


def test_rows_that_differ_are_named_and_mended(
    busy: Tenant, spare_engine: Engine, rebuild: Command
) -> None:
    with spare_engine.begin() as connection:
        named = {"project": busy.project_id}
        connection.execute(
            text(
                "UPDATE agents SET status = 'lazy' WHERE project_id = :project AND agent_id = 'w'"
            ),
            named,
        )
        connection.execute(
            text("DELETE FROM tasks WHERE project_id = :project AND task_id = 'own'"), named
        )
        connection.execute(
            text("DELETE FROM agents WHERE project_id = :project AND agent_id = 'v'"), named
        )
    checked = rebuild("--check")
    assert checked.returncode == 1
    assert "agent w" in checked.stdout
    assert "status is 'lazy', should be 'busy'" in checked.stdout
    assert "task own" in checked.stdout
    assert "agent v" in checked.stdout
    mended = rebuild()
    assert "3 mended" in mended.stdout, mended.stdout + mended.stderr
    assert rebuild("--check").returncode == 0
    assert busy.reader.get("/v1/tasks/own").ok()["progress"] == 0.3
    assert busy.reader.get("/v1/agents/v").ok()["cpu_pct"] == 12.25


def test_what_retention_dropped_is_no_difference(
    busy: Tenant, spare_engine: Engine, rebuild: Command
) -> None:
    before = busy.reader.get("/v1/agents/w/state").ok()
    event_ranges.maintain(spare_engine, clock.now() + timedelta(days=60), timedelta(days=30))
    event_ranges.maintain(spare_engine, clock.now(), timedelta(days=30))
    assert busy.reader.events() == []
    checked = rebuild("--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    after = busy.reader.get("/v1/agents/w/state").ok()
    assert {**before, "at": "", "complete": False} == {**after, "at": ""}
    busy.sender.send(event(agent_id="w"))
    assert rebuild("--check").returncode == 0
