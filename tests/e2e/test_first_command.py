"""``script/server`` as a newcomer's first command: a copy of the tree, a browser, a live fleet."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser

from launcher.command import ROOT
from launcher.parts import without_settings
from launcher.waiting import wait_until
from tests.e2e.dashboard_page import DashboardPage

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

START_S = 120.0
"""On two busy cores; alone it takes ten to fifteen seconds."""

STOP_S = 40.0
MOVE_S = 20.0
DEMO_AGENTS = 3
LEFT_OUT = ("*.pyc", "__pycache__", "dist", "node_modules", "artifacts", ".*_cache", ".hypothesis")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The tree as it is cloned, with nothing made by a start but the installed packages.

    Those are lent, not copied: the command compares them with the requirements itself, and installs
    what differs.
    """
    copy = tmp_path / "telltale"
    top = shutil.ignore_patterns(".git", ".venv", "var")
    deep = shutil.ignore_patterns(*LEFT_OUT)

    def left_out(folder: str, names: list[str]) -> set[str]:
        return deep(folder, names) | (top(folder, names) if Path(folder) == ROOT else set())

    shutil.copytree(ROOT, copy, ignore=left_out)
    for lent in (Path(".venv"), Path("dashboard", "node_modules")):
        if (ROOT / lent).exists():
            (copy / lent).symlink_to(ROOT / lent)
    return copy


@pytest.fixture
def started(checkout: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command and what it printed, once it is ready."""
    with subprocess.Popen(
        [checkout / "script" / "server", "--port", "0"],
        cwd=checkout.parent,
        env=without_settings(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        printed: list[str] = []
        reader = threading.Thread(target=_read, args=(process, printed))
        reader.start()
        try:
            wait_until(
                lambda: "Ctrl-C" in "".join(printed) or process.poll() is not None,
                timeout_s=START_S,
                what=lambda: f"it is not ready: {printed}",
            )
            yield process, "".join(printed)
        finally:
            if process.poll() is None:
                process.kill()
            reader.join()


def _read(process: subprocess.Popen[str], printed: list[str]) -> None:
    assert process.stdout is not None
    printed.extend(process.stdout)


def test_the_first_command(browser: Browser, started: tuple[subprocess.Popen[str], str]) -> None:
    process, printed = started
    found = re.search(r"Dashboard +(http://127\.0\.0\.1:\d+)(/\S*)", printed)
    assert found is not None, printed
    everything = [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]
    context = browser.new_context()
    try:
        page = DashboardPage.open(context, found[1], found[2])
        page.wait_until_live()
        see_the_fleet_move(page)
        assert page.errors == []
    finally:
        context.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_S) == 0
    left = [one for one in everything if one.is_running()]
    assert left == []


def see_the_fleet_move(page: DashboardPage) -> None:
    """Agents are online and say what they do, and events keep coming."""
    rows = page.fleet.get_by_role("row").filter(has_text="online")
    wait_until(
        lambda: rows.count() >= DEMO_AGENTS, timeout_s=MOVE_S, what=lambda: "no demo fleet is there"
    )
    first = page.newest_number()
    wait_until(
        lambda: page.newest_number() > first + 5,
        timeout_s=MOVE_S,
        what=lambda: f"the tail stands still at {first}",
    )
