"""``flask keys``: make a key, list the keys, take a key's power away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from click.testing import Result
from sqlalchemy import Engine

from app.domain.access import Role
from launcher.command import ROOT
from launcher.parts import without_settings
from launcher.stack import Stack
from tests.integration.agent_socket import PATH
from tests.integration.command_line import Command, command_line, good, refused
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant
from tests.integration.wire import Refused, Wire

pytestmark = pytest.mark.e2e


@pytest.fixture
def flask(stack: Stack, engine: Engine) -> Iterator[Command]:
    with command_line(stack, engine) as run:
        yield run


def test_a_key_from_its_making_to_its_end(
    flask: Command, tenant: Tenant, neighbour: Tenant
) -> None:
    project = ("--project", tenant.name)
    made = good(flask("keys", "create", "--role", "agent", "--name", "build box", *project))
    assert "cannot be shown again" in made
    key = made.split()[0]
    _, key_id, secret = key.split("_", 2)
    sender = Rest(tenant.url, key)
    sender.send(event())
    assert len(tenant.reader.events()) == 1

    asked = flask("keys", "revoke", key_id, *project)
    assert asked.exit_code != 0
    assert "Go on?" in asked.stdout
    elsewhere = flask("keys", "revoke", key_id, "--yes", "--project", neighbour.name)
    refused(elsewhere, f"Error: There is no active key {key_id}.")
    sender.send(event())
    good(flask("keys", "revoke", key_id, "--yes", *project))
    deadline = time.monotonic() + 10
    while sender.post("/v1/events", event()).status != 401:
        assert time.monotonic() < deadline, "a revoked key is good for five seconds at most"
        time.sleep(0.1)
    with pytest.raises(Refused) as unknown:
        Wire(tenant.url, PATH, key=key)
    assert unknown.value.status == 401
    sender.post("/v1/auth/token").problem(401, "unauthenticated")
    listed = good(flask("keys", "list", *project))
    [line] = [line for line in listed.splitlines() if key_id in line]
    assert all(word in line for word in ("agent", "revoked", "build box"))
    assert secret not in listed
    [line] = [line for line in listed.splitlines() if tenant.agent.split("_")[1] in line]
    assert "active" in line
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    entries = admin.get("/v1/audit", resource_id=key_id).ok()["items"]
    assert [(entry["action"], entry["subject"]) for entry in entries] == [
        ("revoked", "command line"),
        ("created", "command line"),
    ]


def test_a_key_that_a_script_can_take(stack: Stack) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "keys", "create", "--name=x", "--quiet"],
        cwd=ROOT,
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert Rest(stack.url, made.stdout.strip()).get("/v1/auth/me").ok()["role"] == "agent"


def test_the_key_of_a_newcomer(stack: Stack) -> None:
    """The way of the README: ``script/flask`` finds what runs on the data folder."""
    flask = (sys.executable, "-m", "launcher", "flask", "--data", str(stack.folder.root))
    made = subprocess.run(
        [*flask, "keys", "create", "--name", "my-agent", "--quiet"],
        cwd=ROOT,
        env=without_settings(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    assert Rest(stack.url, made.stdout.strip()).get("/v1/auth/me").ok()["role"] == "agent"


def test_what_cannot_be_is_said_in_a_sentence(flask: Command) -> None:
    nowhere = flask("keys", "create", "--name", "x", "--project", "nowhere")
    refused(nowhere, "Error: There is no such project.")
    for name in ("", " ", "two\nlines", "x" * 201):
        unnamed = flask("keys", "create", "--name", name)
        refused(unnamed, "a name is one line of 1 to 200 characters")
        assert unnamed.stdout == ""


def test_a_key_may_be_one_agents_own(flask: Command, tenant: Tenant) -> None:
    def create(*words: str) -> Result:
        return flask("keys", "create", "--name", "x", "--quiet", "--project", tenant.name, *words)

    own = Rest(tenant.url, good(create("--agent", "cli")).strip())
    own.send({"type": "agent.log", "data": {"message": "hello"}})
    assert own.get("/v1/agents/cli").ok()["agent_id"] == "cli"
    assert "x  (of cli)" in good(flask("keys", "list", "--project", tenant.name))
    for agent_id in ("a b", "", "a" * 129):
        refused(create("--agent", agent_id), "it must be visible ASCII")
    refused(create("--agent", "cli", "--role", "viewer"), "only a key with the role agent")
