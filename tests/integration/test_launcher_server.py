"""``script/server`` as people use it: its page of addresses, its signals, what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from launcher.command import ROOT
from launcher.parts import without_settings
from launcher.waiting import wait_until

pytestmark = pytest.mark.e2e


class Running:
    """A launcher and what it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, pattern: str, timeout_s: float = 90) -> re.Match[str]:
        wait_until(
            lambda: bool(re.search(pattern, self.output)) or self.process.poll() is not None,
            timeout_s=timeout_s,
            what=lambda: f"{pattern!r} did not come: {self.output}",
        )
        found = re.search(pattern, self.output)
        assert found is not None, self.output
        return found

    def descendants(self) -> dict[str, psutil.Process]:
        """Every process below it, by a word of its command line or its name."""
        return {
            f"{process.pid} {' '.join(process.cmdline()) or process.name()}": process
            for process in psutil.Process(self.process.pid).children(recursive=True)
        }

    def find(self, word: str) -> psutil.Process:
        """The one direct child whose command line has these words."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if f" {word} " in f" {' '.join(child.cmdline())} ")

    def end(self) -> int:
        """Wait for its end; returns the exit status."""
        status = self.process.wait(60)
        self._reader.join(10)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line


@contextmanager
def launched(data: Path, *words: str, **settings: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "launcher", "server", "--port", "0", "--data", str(data)]
    with subprocess.Popen(
        [*command, *words],
        cwd=ROOT,
        env={**without_settings(os.environ), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        running = Running(process)
        try:
            yield running
        finally:
            if process.poll() is None:
                process.kill()


def nothing_left(processes: dict[str, psutil.Process], timeout_s: float = 10) -> None:
    def left() -> list[str]:
        return [name for name, process in processes.items() if process.is_running()]

    wait_until(lambda: not left(), timeout_s=timeout_s, what=lambda: f"left behind: {left()}")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole module, so that each start but the first is a second one."""
    return tmp_path_factory.mktemp("launcher")


def test_it_tells_what_a_person_needs_and_stops_when_asked(data: Path) -> None:
    with launched(data, "--no-demo") as running:
        url = running.wait_for(r"Dashboard +(http://127\.0\.0\.1:\d+)/")[1]
        running.wait_for(r"Stop +Ctrl-C")
        key = running.wait_for(r"Admin API key +(tt_\S+)")[1]
        assert (data / "admin_key").read_text().strip() == key
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            assert answer.status == 200
        request = urllib.request.Request(
            f"{url}/v1/ledger", headers={"Authorization": f"Bearer {key}"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.load(answer)["balanced"] is True
        processes = running.descendants()
        assert len(processes) > 5
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 0
        nothing_left(processes)
        assert running.output.endswith("Stopped.\n")


def test_two_interrupts_also_leave_nothing_behind(data: Path) -> None:
    with launched(data, "--no-demo") as running:
        running.wait_for(r"Stop +Ctrl-C")
        processes = running.descendants()
        running.process.send_signal(signal.SIGINT)
        running.wait_for("Stopping …")
        running.process.send_signal(signal.SIGINT)
        assert running.end() == 0
        nothing_left(processes)


def test_an_interrupt_while_it_starts(data: Path) -> None:
    with launched(data, "--no-demo") as running:
        wait_until(
            lambda: any("postgres" in name for name in running.descendants()),
            timeout_s=30,
            what=lambda: "PostgreSQL did not start",
        )
        processes = running.descendants()
        running.process.send_signal(signal.SIGINT)
        assert running.end() == 0
        nothing_left(processes)
        assert "Telltale is ready" not in running.output


def test_a_layout_that_cannot_change(data: Path) -> None:
    with launched(data, "--no-demo", PARTITIONS="4") as running:
        assert running.end() == 1
        sentences = running.output.splitlines()[1:]
        assert len(sentences) == 1
        assert sentences[0].startswith("PARTITIONS is 4, but the data was laid out with 8")


def test_a_part_that_dies_is_named_and_comes_back(data: Path) -> None:
    with launched(data, "--no-demo") as running:
        running.wait_for(r"Stop +Ctrl-C")
        running.find("-m workers").kill()
        running.wait_for(r"worker ended \(SIGKILL\); it starts again in 0\.5 s\.")
        wait_until(
            lambda: any(name.endswith("-m workers") for name in running.descendants()),
            timeout_s=30,
            what=lambda: "the worker did not come back",
        )
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 0


def test_a_launcher_that_is_killed_takes_its_parts_along(data: Path) -> None:
    with launched(data, "--no-demo") as running:
        running.wait_for(r"Stop +Ctrl-C")
        processes = running.descendants()
        running.process.kill()
        nothing_left(processes, timeout_s=40)


def test_the_demo_fleet_reports(data: Path) -> None:
    with launched(data) as running:
        url = running.wait_for(r"Dashboard +(http://127\.0\.0\.1:\d+)/")[1]
        key = running.wait_for(r"Admin API key +(tt_\S+)")[1]
        request = urllib.request.Request(
            f"{url}/v1/events?limit=500", headers={"Authorization": f"Bearer {key}"}
        )

        def reporting() -> set[str]:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return {event["agent_id"] for event in json.load(answer)["items"]}

        wait_until(
            lambda: len(reporting()) >= 3, timeout_s=60, what=lambda: "the demo fleet is not there"
        )
        processes = running.descendants()
        running.process.send_signal(signal.SIGTERM)
        assert running.end() == 0
        nothing_left(processes)
