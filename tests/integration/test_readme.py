"""The README's worker and its manager, by curl and by the client: what it shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.domain.access import Role
from launcher.command import ROOT
from launcher.waiting import wait_until
from tests.integration.tenants import Tenant

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"
COLUMN = 40
"""Where the worker's words begin, beside the manager's."""

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{8}-…")


def section() -> list[tuple[str, str]]:
    """The language and the text of each block of the section."""
    text = (ROOT / "README.md").read_text().split("## Lead a worker\n")[1].split("\n## ")[0]
    return FENCE.findall(text)


def block(language: str, beginning: str = "") -> str:
    """The one block of a language that begins so."""
    [found] = [text for kind, text in section() if kind == language and text.startswith(beginning)]
    return found


def shown(column: slice) -> list[str]:
    """One side of what the README says is printed."""
    return [UUID.sub("ID", line[column].rstrip()) for line in block("").splitlines()]


class Desk:
    """A folder as the reader's, with the admin's key and the README's files."""

    def __init__(self, folder: Path, tenant: Tenant) -> None:
        self.folder = folder
        self.url = tenant.url
        (folder / "var").mkdir()
        (folder / "var" / "admin_key").write_text(f"{tenant.keys[Role.ADMIN]}\n")
        self.env = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python" / "src")}
        self.printed = folder / "printed"

    def save(self, name: str) -> Path:
        file = self.folder / name
        file.write_text(self.here(block("python", f"# {name}\n")))
        return file

    def here(self, text: str) -> str:
        assert ADDRESS in text
        return text.replace(ADDRESS, self.url)

    @contextmanager
    def worker(self) -> Iterator[None]:
        """The README's worker, from its hello to the end of the block."""
        with self.printed.open("w") as output:
            words = [sys.executable, str(self.save("worker.py"))]
            process = subprocess.Popen(words, cwd=self.folder, env=self.env, stdout=output)
            try:
                yield
                assert process.poll() is None, "the worker has ended"
            finally:
                process.kill()
                process.wait()

    def heard(self) -> list[str]:
        """What the worker has printed so far."""
        return UUID.sub("ID", self.printed.read_text()).splitlines()

    def wait_heard(self, lines: list[str]) -> None:
        wait_until(
            lambda: len(self.heard()) >= len(lines), timeout_s=15, what=lambda: str(self.heard())
        )
        assert self.heard() == lines


@pytest.fixture
def desk(tmp_path: Path, tenant: Tenant) -> Iterator[Desk]:
    """With the worker at work."""
    desk = Desk(tmp_path, tenant)
    with desk.worker():
        agent = "/v1/agents/my-worker"
        wait_until(
            lambda: tenant.reader.get(agent).status == 200, timeout_s=20, what=lambda: "no worker"
        )
        yield desk


def test_the_client_leads_the_worker(desk: Desk, tenant: Tenant) -> None:
    words = [sys.executable, str(desk.save("lead.py"))]
    leading = subprocess.run(
        words, cwd=desk.folder, env=desk.env, capture_output=True, text=True, timeout=60
    )
    assert leading.returncode == 0, leading.stderr
    assert leading.stdout.splitlines() == shown(slice(COLUMN))
    desk.wait_heard(shown(slice(COLUMN, None)))
    assert tenant.reader.events(type="task.transition_refused") == []


def test_curl_leads_the_worker(desk: Desk, tenant: Tenant) -> None:
    # All but the second task, which curl does not make.
    expected = shown(slice(COLUMN, None))[:-1]
    *steps, last = desk.here(block("sh")).split("\n\n")
    with subprocess.Popen(
        ["bash", "-e"], cwd=desk.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdin is not None
        for number, step in enumerate(steps):
            shell.stdin.write(f"{step}\n")
            shell.stdin.flush()
            desk.wait_heard(expected[:number])
        wait_until(
            lambda: tenant.reader.events(type="task.canceled") != [],
            timeout_s=10,
            what=lambda: "the worker does not stop",
        )
        answers, _ = shell.communicate(f"{last}\n", timeout=20)
    assert shell.returncode == 0
    assert '"state":"canceled"' in answers.splitlines()[-1]
    assert "problem" not in answers
