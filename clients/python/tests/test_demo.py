"""The demo fleet: its questions, its rounds, and its command line. No server is needed."""

from __future__ import annotations

import ast
import os
import random
import subprocess
import sys
import textwrap
import time
from itertools import islice
from pathlib import Path

import pytest
from telltale_client import Command

from demo.catalogue import Module, rounds, standard_library
from demo.messages import Outcome
from demo.questions import QUESTIONS, Finding
from demo.reading import Unreadable, measure, parse, read_source
from demo.round import Round
from demo.timebox import TimeBox, TimeBoxExceeded
from demo.wishes import CalledOff, Wishes

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
    current = Round("r", "t", QUESTIONS[0], 4)
    current.take("a", Outcome("1", 5, "f"))
    current.take("b", Outcome("2", error="no"))
    current.take("c", Outcome("3", 10))
    current.take("d", Outcome("4", called_off=True))
    assert current.result()["highest_at"] == "c"
    assert current.result()["mean"] == 7.5
    assert (current.read, current.failed, current.called_off) == (2, 1, 1)
    assert "c with 10 lines" in current.summary()


def test_wishes_are_about_the_task_at_hand() -> None:
    wishes = Wishes()
    wishes.begin("1")
    with pytest.raises(ValueError, match="not at this task"):
        wishes.cancel(Command("c", "cancel", {"task_id": "2"}))
    wishes.check()
    assert wishes.cancel(Command("c", "cancel", {"task_id": "1"}))
    with pytest.raises(CalledOff):
        wishes.check()
    wishes.begin("2")
    wishes.check()


@pytest.mark.parametrize(
    ("value", "pace"),
    [({"pace": 2}, 2), ({}, 1), (None, 1), ({"pace": -1}, 7), ({"pace": "x"}, 7)],
)
def test_a_pace_that_is_none_is_passed_over(value: object, pace: float) -> None:
    wishes = Wishes()
    wishes.pace = 7.0
    wishes.configure(1, value)
    assert wishes.pace == pace


def test_the_command_line_explains_itself() -> None:
    base = [sys.executable, "-m", "demo"]
    shown = subprocess.run([*base, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "TELLTALE_URL" in shown.stdout
    bare = {key: value for key, value in os.environ.items() if not key.startswith("TELLTALE")}
    refused = subprocess.run(base, cwd=ROOT, capture_output=True, text=True, env=bare, check=False)
    assert refused.returncode == 2
    assert "TELLTALE_URL and TELLTALE_KEY must be set" in refused.stderr
