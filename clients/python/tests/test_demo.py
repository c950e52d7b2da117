"""The demo fleet: its questions, and its processes as a whole, against a scripted server."""

from __future__ import annotations

import ast
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import psutil
import pytest
from websockets.datastructures import Headers
from websockets.http11 import Response

from clients.python.tests.scripted_server import KEY, ScriptedServer, eventually
from demo.catalogue import Module, rounds, standard_library
from demo.messages import Outcome
from demo.questions import QUESTIONS, Finding
from demo.reading import Unreadable, measure, parse, read_source
from demo.round import Round
from demo.timebox import TimeBox, TimeBoxExceeded

ROOT = Path(__file__).resolve().parents[3]

SOURCE = textwrap.dedent('''
    """A module."""
    import os, sys
    from . import sibling
    from os.path import join

    class Thing:
        def short(self, a: int, b):
            """Documented."""
            return a and b and (1 if a else 2)

    def long(c):
        for x in c:
            while x:
                try:
                    x -= 1
                except ValueError:
                    break
        return [y for y in c if y]
''')


def test_the_questions_have_right_answers() -> None:
    tree = ast.parse(SOURCE)
    answers = [question.measure(tree, TimeBox(1000)) for question in QUESTIONS]
    assert answers == [
        Finding(8, "long"),
        Finding(5, "long"),
        Finding(33.3),
        Finding(4),
        Finding(3, "long"),
        Finding(33.3),
    ]
    for question in QUESTIONS:
        question.measure(ast.parse(""), TimeBox(1000))


def test_a_time_box_closes_on_real_work_only() -> None:
    tree = ast.parse("x = 1\n" * 20_000)
    with pytest.raises(TimeBoxExceeded, match="5 ms allowed"):
        measure(QUESTIONS[0], tree, TimeBox(5))
    box = TimeBox(50)
    time.sleep(0.1)
    with box:
        time.sleep(0.1)
        box.check()


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_bytes(b"# -*- coding: utf-8 -*-\n\xff")
    with pytest.raises(Unreadable, match="cannot be read"):
        read_source(str(bad))
    with pytest.raises(Unreadable, match="cannot be parsed"):
        parse("print 'old'", TimeBox(1000))


def test_every_module_has_its_turn() -> None:
    modules = standard_library()
    assert {"asyncio.tasks", "json", "os"} <= {module.name for module in modules}
    few = [Module(str(number), "") for number in range(10)]
    chosen = list(islice(rounds(few, 4, random.Random(1)), 5))
    assert [len(one) for one in chosen] == [4] * 5
    assert sorted(module.name for one in chosen for module in one) == sorted(
        [str(number) for number in range(10)] * 2
    )


def test_a_round_adds_up() -> None:
    current = Round("r", "t", QUESTIONS[0], 3)
    current.take("a", Outcome("1", 5, "f"))
    current.take("b", Outcome("2", error="no"))
    current.take("c", Outcome("3", 10))
    assert current.result()["highest_at"] == "c"
    assert current.result()["mean"] == 7.5
    assert "c with 10 lines" in current.summary()


@contextmanager
def fleet(server: ScriptedServer, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", *words],
        cwd=ROOT,
        env={**os.environ, "TELLTALE_URL": server.url, "TELLTALE_KEY": KEY},
        stderr=subprocess.PIPE,
        text=True,
    )
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


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def types_of(server: ScriptedServer, agent_id: str) -> set[str]:
    return {item["type"] for item in list(server.history(agent_id).items)}


def has_shown(server: ScriptedServer, agent_id: str, types: set[str]) -> bool:
    return types <= types_of(server, agent_id)


def test_the_fleet_works_replaces_the_dead_and_ends_at_once() -> None:
    with ScriptedServer() as server, fleet(server, "--pace", "0.05", "--round", "10") as process:
        eventually(lambda: "task.completed" in types_of(server, "demo-manager"), 60)
        manager = server.history("demo-manager").items
        created = [item for item in manager if item["type"] == "task.created"]
        assert created[0]["data"]["title"].startswith("Round 1: ")
        assert created[1]["data"]["agent_id"] == "demo-worker-1"
        assert created[1]["data"]["parent_id"] == created[0]["task_id"]
        shown = {"agent.status", "agent.metric", "task.started", "tool.called", "tool.returned"}
        for number in range(1, 6):
            eventually(partial(has_shown, server, f"demo-worker-{number}", shown), 30)
        roles = {hello["agent_id"]: hello["role"] for hello in server.hellos}
        assert roles["demo-manager"] == "manager"
        assert roles["demo-worker-3"] == "worker"

        victim = workers_of(process)[0]
        victim.send_signal(signal.SIGKILL)
        eventually(lambda: any("died (signal 9)" in word for word in logs(server)), 10)
        eventually(lambda: len(workers_of(process)) == 5, 10)

        family = workers_of(process)
        assert len(family) == 5
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 3
        assert not any(member.is_running() for member in family)


def logs(server: ScriptedServer) -> list[str]:
    items = list(server.history("demo-manager").items)
    return [item["data"]["message"] for item in items if item["type"] == "agent.log"]


def test_orphans_end_by_themselves() -> None:
    with ScriptedServer() as server, fleet(server) as process:
        eventually(lambda: len(server.hellos) == 6, 30)
        family = workers_of(process)
        process.kill()
        process.wait()
        eventually(lambda: not any(member.is_running() for member in family), 5)


def has_threads(process: psutil.Process, count: int) -> bool:
    return process.num_threads() == count


def test_the_fleet_ends_also_while_the_server_is_away() -> None:
    with ScriptedServer() as server:
        pass
    with fleet(server) as process:
        eventually(lambda: len(workers_of(process)) == 5, 10)
        family = workers_of(process)
        for member in family:  # with its sender and its vitals it has begun to work
            eventually(partial(has_threads, member, 3), 10)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 3
        assert not any(member.is_running() for member in family)


def test_a_wrong_key_is_one_clear_sentence() -> None:
    with ScriptedServer() as server:
        server.refuse = Response(401, "Unauthorized", Headers({"Content-Length": "0"}), b"")
        with fleet(server) as process:
            _, errors = process.communicate(timeout=20)
            assert process.returncode == 3
            assert "The demo fleet ends: " in errors
            assert "401" in errors
            assert "Traceback" not in errors


def test_the_command_line_explains_itself() -> None:
    base = [sys.executable, "-m", "demo"]
    shown = subprocess.run([*base, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "TELLTALE_URL" in shown.stdout
    bare = {key: value for key, value in os.environ.items() if not key.startswith("TELLTALE")}
    refused = subprocess.run(base, cwd=ROOT, capture_output=True, text=True, env=bare, check=False)
    assert refused.returncode == 2
    assert "TELLTALE_URL and TELLTALE_KEY must be set" in refused.stderr
