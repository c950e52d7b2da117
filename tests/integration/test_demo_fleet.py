"""The demo fleet as a whole, on the product: it works, replaces the dead, and ends at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from telltale_client import Manager, Task

from app.domain.access import Role
from launcher.command import ROOT
from launcher.ports import address, claim
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.tenants import Tenant

QUICK = ("--pace", "0.05", "--round", "16")
FEW = ("--workers", "2")


@contextmanager
def fleet(url: str, key: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "demo", *words],
        cwd=ROOT,
        env={**os.environ, "TELLTALE_URL": url, "TELLTALE_KEY": key},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        family = [psutil.Process(process.pid)]
        try:
            yield process
        finally:
            if process.poll() is None:
                family += family[0].children(recursive=True)
                process.kill()
            process.communicate()
            for member in family[1:]:
                if member.is_running():
                    member.kill()


def manager_of(tenant: Tenant) -> Manager:
    return Manager(tenant.url, tenant.keys[Role.MANAGER])


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for_workers(process: subprocess.Popen[str], number: int) -> list[psutil.Process]:
    wait_until(lambda: len(workers_of(process)) == number, timeout_s=30, what=lambda: "no workers")
    return workers_of(process)


def rounds(tenant: Tenant, state: str) -> list[Task]:
    tasks = manager_of(tenant).tasks(state=state, agent_id="demo-manager")
    return [task for task in tasks if task.parent_id is None]


def ends_at_once(process: subprocess.Popen[str], how: signal.Signals) -> None:
    family = workers_of(process)
    began = time.monotonic()
    process.send_signal(how)
    assert process.wait(15) == 0
    assert time.monotonic() - began < 6
    assert not any(member.is_running() for member in family)


def told(tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    return tenant.reader.events(limit=1000, **query)


def test_the_fleet_works_replaces_the_dead_and_ends_at_once(tenant: Tenant) -> None:
    moved = ("command.done", "config.changed", "task.canceled")
    with fleet(tenant.url, tenant.keys[Role.MANAGER], *QUICK) as process:
        wait_until(
            lambda: all((rounds(tenant, "completed"), *(told(tenant, type=one) for one in moved))),
            timeout_s=60,
            what=lambda: f"no round, or not all of {moved}",
        )
        done = rounds(tenant, "completed")[-1]
        _, *children = manager_of(tenant).task_tree(done.task_id)
        assert done.created_by == "demo-manager"
        assert len(children) >= 16
        assert all(child.finished_at is not None for child in children)
        assert {child.agent_id for child in children} == {
            f"demo-worker-{number}" for number in range(1, 6)
        }
        assert "canceled" in {child.state for child in children}
        assert done.result["modules"] == 16
        assert told(tenant, type="task.transition_refused") == []

        wait_for_workers(process, 5)[0].send_signal(signal.SIGKILL)
        wait_until(
            lambda: told(tenant, text="died (signal 9)") != [],
            timeout_s=20,
            what=lambda: "none died",
        )
        wait_for_workers(process, 5)
        ends_at_once(process, signal.SIGTERM)


def test_what_was_left_open_is_put_away(tenant: Tenant) -> None:
    manager = manager_of(tenant)
    manager.register_agent("demo-manager", role="manager")
    left = manager.create_task("Round 7", "demo-manager", created_by="demo-manager")
    other = manager.create_task("Mine", "demo-manager")
    with fleet(tenant.url, tenant.keys[Role.MANAGER], *FEW) as process:
        wait_until(
            lambda: manager.task(left.task_id).state == "canceled", timeout_s=30, what=lambda: ""
        )
        # Orphans end by themselves.
        family = wait_for_workers(process, 2)
        process.kill()
        process.wait()
        wait_until(
            lambda: not any(member.is_running() for member in family),
            timeout_s=15,
            what=lambda: "orphans live on",
        )
    assert manager.task(other.task_id).state == "submitted"


def test_the_fleet_outlives_its_server(spare: Stack, spare_tenant: Tenant) -> None:
    def completed() -> int:
        return len(told(spare_tenant, type="task.completed"))

    with fleet(spare.url, spare_tenant.keys[Role.MANAGER], *QUICK, *FEW) as process:
        wait_until(lambda: completed() > 2, timeout_s=60, what=lambda: "it does not work")
        spare.kill("web")
        spare.start("web")
        spare.wait_ready()
        before = completed()
        wait_until(
            lambda: completed() > before + 2,
            timeout_s=60,
            what=lambda: "it does not work on, though the server is back",
        )
        assert process.poll() is None
        spare.kill("web")
        try:
            ends_at_once(process, signal.SIGINT)
        finally:
            spare.start("web")


def test_the_fleet_ends_also_while_the_server_was_never_there() -> None:
    url = address("127.0.0.1", claim("127.0.0.1", 0))
    with fleet(url, "tt_some_key") as process:
        # With its sender and its vitals it has begun to work.
        wait_until(
            lambda: psutil.Process(process.pid).num_threads() == 3,
            timeout_s=20,
            what=lambda: "it has not begun",
        )
        ends_at_once(process, signal.SIGINT)


@pytest.mark.parametrize(("role", "word"), [(None, "401"), (Role.AGENT, "403")])
def test_a_wrong_key_is_one_clear_sentence(tenant: Tenant, role: Role | None, word: str) -> None:
    key = "tt_000000000000_" + "a" * 43 if role is None else tenant.keys[role]
    with fleet(tenant.url, key) as process:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 3
        assert "The demo fleet ends: " in errors
        assert word in errors
        assert "Traceback" not in errors
