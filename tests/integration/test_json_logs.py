"""The log files of our processes hold JSON from their first line to their last."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from launcher.command import ROOT
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.rest import Rest
from tests.integration.samples import event

pytestmark = pytest.mark.e2e

OURS = ("prepare", "web", "worker", "clock")


def lines(stack: Stack, name: str) -> list[dict[str, Any]]:
    """The lines of a part's log, each of which must be an object."""
    read = stack.folder.log(name).read_text().splitlines()
    parsed = [json.loads(line) for line in read]
    assert all(isinstance(line, dict) for line in parsed)
    return parsed


def messages(stack: Stack, name: str) -> str:
    return "\n".join(line["message"] for line in lines(stack, name))


def test_the_clock_names_itself() -> None:
    nowhere = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1",
        "SECRET_KEY": "s" * 32,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "workers.clock"], cwd=ROOT, env=nowhere, stderr=subprocess.PIPE
    ) as clock:
        assert clock.stderr is not None
        logged = (json.loads(line) for line in clock.stderr)
        failed = next(line for line in logged if line["message"] == "tick_failed")
        clock.terminate()
        clock.communicate(timeout=30)
    assert failed["logger"] == "workers.clock"


def test_every_line_of_every_process_is_json(tmp_path: Path) -> None:
    with Stack(tmp_path, durable=False, env={"LOG_LEVEL": "info"}) as stack:
        Rest(stack.url, stack.admin_key).send(event())
        # gunicorn and Dramatiq tell of the death of a worker, and Dramatiq starts anew on SIGHUP.
        web, *workers = stack.pids("web")
        os.kill(workers[0], signal.SIGKILL)
        wait_until(
            lambda: messages(stack, "web").count("Booting worker") == 2,
            timeout_s=30,
            what=lambda: messages(stack, "web"),
        )
        os.kill(stack.pids("worker")[0], signal.SIGHUP)
        wait_until(
            lambda: messages(stack, "worker").count("ready for action") == 2,
            timeout_s=30,
            what=lambda: messages(stack, "worker"),
        )
        stack.wait_ready()
        Rest(stack.url, stack.admin_key).send(event())
        assert stack.pids("web")[0] == web
    for name in OURS:
        for line in lines(stack, name):
            assert {"timestamp", "level", "logger", "message", "process"} <= line.keys(), line
            assert line["process"] in {name, "web"}, line
    for said in ("Starting gunicorn", "Listening at", "Booting worker", "Handling signal: term"):
        assert said in messages(stack, "web")
    for said in ("is booting up", "ready for action", "Sending signal"):
        assert said in messages(stack, "worker")
