"""A client that somebody else's generator makes of ``/openapi.json`` works with a real server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.api.description.examples import AGENT
from app.domain.access import Role
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

USE = f"""
import sys
from telltale_api import AuthenticatedClient
from telltale_api.api.tasks import create_task, get_task, list_tasks
from telltale_api.models import NewTask, Problem, Task, TaskPage, TaskState

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
wanted = NewTask(title="Read the news", agent_id="{AGENT}")
made = create_task.sync(client=client, body=wanted, idempotency_key="once")
assert isinstance(made, Task), made
again = create_task.sync(client=client, body=wanted, idempotency_key="once")
assert again.task_id == made.task_id

read = get_task.sync(made.task_id, client=client)
assert isinstance(read, Task), read
assert (read.title, read.agent_id) == ("Read the news", "{AGENT}")
assert read.state is TaskState.SUBMITTED
assert read.created_at.tzinfo is not None

page = list_tasks.sync(client=client)
assert isinstance(page, TaskPage)
assert [task.task_id for task in page.items] == [made.task_id]

refused = get_task.sync("no-such-task", client=client)
assert isinstance(refused, Problem), refused
assert refused.code == "not_found"
"""


def test_a_generated_client_creates_and_reads_a_task(tenant: Tenant, tmp_path: Path) -> None:
    key = tenant.keys[Role.MANAGER]
    Rest(tenant.url, key).post("/v1/agents", {"agent_id": AGENT}).ok(201)
    document = tmp_path / "openapi.json"
    document.write_bytes(Rest(tenant.url).get("/openapi.json").body)
    settings = tmp_path / "settings.json"
    # Its hooks would only make the code look better.
    settings.write_text(json.dumps({"post_hooks": [], "package_name_override": "telltale_api"}))
    generated = _run(
        *("-m", "openapi_python_client", "generate", "--meta", "none"),
        *("--path", str(document), "--config", str(settings)),
        *("--output-path", str(tmp_path / "telltale_api")),
        cwd=tmp_path,
    )
    assert generated.returncode == 0, generated.stdout
    assert "will not be generated" not in generated.stdout
    used = _run("-c", USE, tenant.url, key, cwd=tmp_path)
    assert used.returncode == 0, used.stdout


def _run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(cwd)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
