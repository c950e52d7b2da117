"""schemathesis over ``/openapi.json`` and a real server: what is described is what is answered.

The run is short and always the same; ``OPENAPI_SECONDS=600`` makes it fuzz for so long, with
another seed each time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.api.description.examples import AGENT
from app.domain.access import Role
from launcher.command import ROOT
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("OPENAPI_SECONDS", "0"))
SHORT = ("--phases", "examples,coverage,stateful", "--max-examples", "5", "--seed", "20261123")
LONG = ("--phases", "examples,coverage,fuzzing,stateful", "--max-time", str(SECONDS))


@pytest.mark.timeout(SECONDS + 600)
def test_the_api_is_as_described(tenant: Tenant, tmp_path: Path) -> None:
    key = tenant.keys[Role.ADMIN]
    Rest(tenant.url, key).post("/v1/agents", {"agent_id": AGENT}).ok(201)
    words = (
        *("--config-file", str(HERE / "schemathesis.toml"), "run", f"{tenant.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", "--no-color", "--checks", "all"),
        *("--generation-database", "none"),
        *(LONG if SECONDS else SHORT),
    )
    ran = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *words],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OPENAPI_HOOKS": str(HERE / "openapi_hooks.py"),
            "OPENAPI_KEY": key,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-20_000:]
