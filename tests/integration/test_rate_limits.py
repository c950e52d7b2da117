"""Limits of a project's and of an agent's own, set with ``flask limits``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine

from app.core import clock
from launcher.command import ROOT
from launcher.stack import Stack
from tests.integration.agent_socket import AgentSocket
from tests.integration.command_line import Command, command_line, good, refused
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

HEARD_OF_S = 6.0


@pytest.fixture
def flask(stack: Stack, engine: Engine) -> Iterator[Command]:
    with command_line(stack, engine) as run:
        yield run


@pytest.fixture
def spare_flask(spare: Stack, spare_engine: Engine) -> Iterator[Command]:
    with command_line(spare, spare_engine) as run:
        yield run


def welcomed(tenant: Tenant, agent_id: str) -> tuple[float, int]:
    """The rate and the burst that an agent is told."""
    with AgentSocket(tenant.url, tenant.agent, agent_id, incarnation=clock.now_ms()) as agent:
        given = agent.welcome["limits"]
        return given["events_per_s"], given["burst"]


def soon(condition: Callable[[], bool]) -> None:
    """It must hold before a change is five seconds old."""
    deadline = time.monotonic() + HEARD_OF_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_limits_of_a_project_and_of_one_agent(
    flask: Command, tenant: Tenant, neighbour: Tenant
) -> None:
    project = ("--project", tenant.name)
    assert welcomed(tenant, "worker-1") == (1000.0, 5000)
    set_to = ("--events-per-s", "0.5", "--burst", "20")
    answer = good(flask("limits", "set", *set_to, *project)).strip()
    assert answer.endswith("without limits of its own: 0.5 events/s, burst 20.")
    soon(lambda: welcomed(tenant, "worker-1") == (0.5, 20))
    assert welcomed(neighbour, "worker-1") == (1000.0, 5000)

    tenant.sender.post("/v1/events", numbered(20, "hasty")).ok(202)
    hasty = tenant.sender.post("/v1/events", numbered(10, "hasty"))
    hasty.problem(429, "rate_limited")
    # Ten events at one in two seconds.
    assert 15 <= int(hasty.headers["retry-after"]) <= 21
    neighbour.sender.post("/v1/events", numbered(100, "hasty")).ok(202)

    good(flask("limits", "set", "--burst", "200", "--agent", "worker-1", *project))
    soon(lambda: welcomed(tenant, "worker-1") == (0.5, 200))
    assert welcomed(tenant, "worker-2") == (0.5, 20)
    tenant.sender.post("/v1/events", numbered(100, "worker-1")).ok(202)
    assert good(flask("limits", "show", *project)).splitlines() == [
        "(each agent)              0.5 events/s, burst 20",
        "worker-1                  0.5 events/s, burst 200",
    ]
    assert "burst 20" in good(flask("limits", "show", "--agent", "worker-2", *project))

    good(flask("limits", "clear", *project))
    soon(lambda: welcomed(tenant, "worker-1") == (1000.0, 200))
    good(flask("limits", "clear", "--agent", "worker-1", *project))
    soon(lambda: welcomed(tenant, "worker-1") == (1000.0, 5000))
    tenant.sender.post("/v1/events", numbered(500, "hasty")).ok(202)


def test_a_socket_that_is_open_is_held_to_a_new_limit(flask: Command, tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *numbered(100, None))
        agent.until_stored(100)
        set_to = ("--events-per-s", "1", "--burst", "1")
        good(flask("limits", "set", *set_to, "--project", tenant.name))
        time.sleep(HEARD_OF_S)
        agent.events(101, *numbered(5, None))
        agent.until_stored(105)
        agent.events(106, *numbered(5, None))
        assert agent.expect("slow")["reason"] == "rate"


def test_what_was_known_last_holds_without_postgres(
    spare: Stack, spare_flask: Command, spare_tenant: Tenant
) -> None:
    set_to = ("--events-per-s", "0.1", "--burst", "5")
    good(spare_flask("limits", "set", *set_to, "--project", spare_tenant.name))
    soon(lambda: welcomed(spare_tenant, "worker-1") == (0.1, 5))
    spare_tenant.sender.send(event("hasty"))
    spare.stop("postgres")
    try:
        time.sleep(HEARD_OF_S)
        spare_tenant.sender.post("/v1/events", numbered(4, "hasty")).ok(202)
        hasty = spare_tenant.sender.post("/v1/events", numbered(4, "hasty"))
        hasty.problem(429, "rate_limited")
    finally:
        spare.start("postgres")
        spare.wait_ready()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["set"], "Give --events-per-s, --burst or both"),
        (["set", "--events-per-s", "0"], "0.0 is not in the range"),
        (["set", "--events-per-s", "nan"], "it should be a number"),
        (["set", "--burst", "0"], "0 is not in the range"),
        (["set", "--events-per-s", "1000", "--burst", "9"], "the burst should be 10 or more"),
        (["set", "--burst", "5", "--project", "nowhere"], "There is no such project."),
        (["set", "--burst", "50", "--agent", "nobody"], "There is no agent nobody in"),
        (["clear", "--agent", "nobody"], "There is no agent nobody in"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    flask: Command, words: list[str], sentence: str
) -> None:
    refused(flask("limits", *words), sentence)


def test_the_help_says_who_goes_before_whom(stack: Stack) -> None:
    """The command as people call it."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "limits", "set", "--help"],
        cwd=ROOT,
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "the agent's limit goes before its project's" in shown
    assert "limits set --events-per-s 50 --burst 200 --agent worker-7" in shown
