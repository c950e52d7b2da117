"""``flask keys``: make a key, list the keys, take a key's power away."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from app.domain.access import Role
from launcher.command import ROOT
from launcher.parts import without_settings
from launcher.stack import Stack
from tests.integration.agent_socket import PATH
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant
from tests.integration.wire import Refused, Wire

pytestmark = pytest.mark.e2e


def keys(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "keys", *words],
        cwd=ROOT,
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_key_from_its_making_to_its_end(stack: Stack, tenant: Tenant, neighbour: Tenant) -> None:
    project = ("--project", tenant.name)
    made = keys(stack, "create", "--role", "agent", "--name", "build box", *project)
    assert made.returncode == 0, made.stderr
    assert "cannot be shown again" in made.stdout
    key = made.stdout.split()[0]
    _, key_id, secret = key.split("_", 2)
    sender = Rest(tenant.url, key)
    sender.send(event())
    assert len(tenant.reader.events()) == 1

    asked = keys(stack, "revoke", key_id, *project)
    assert asked.returncode != 0
    assert "Go on?" in asked.stdout
    elsewhere = keys(stack, "revoke", key_id, "--yes", "--project", neighbour.name)
    assert elsewhere.returncode != 0
    assert f"Error: There is no active key {key_id}." in elsewhere.stderr
    sender.send(event())
    assert keys(stack, "revoke", key_id, "--yes", *project).returncode == 0
    deadline = time.monotonic() + 10
    while sender.post("/v1/events", event()).status != 401:
        assert time.monotonic() < deadline, "a revoked key is good for five seconds at most"
        time.sleep(0.1)
    with pytest.raises(Refused) as refused:
        Wire(tenant.url, PATH, key=key)
    assert refused.value.status == 401
    sender.post("/v1/auth/token").problem(401, "unauthenticated")
    listed = keys(stack, "list", *project).stdout
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
    made = keys(stack, "create", "--name", "x", "--quiet")
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


def test_what_cannot_be_is_said_in_a_sentence(stack: Stack) -> None:
    done = keys(stack, "create", "--name", "x", "--project", "nowhere")
    assert done.returncode != 0
    assert done.stderr.strip() == "Error: There is no such project."
    for name in ("", " ", "two\nlines", "x" * 201):
        done = keys(stack, "create", "--name", name)
        assert done.returncode != 0
        assert "a name is one line of 1 to 200 characters" in done.stderr
        assert done.stdout == ""
