"""Whatever a process has to say is a line of JSON, also what Python and gevent print themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

SETUP = """
import logging, sys, threading, warnings
from app.core.logging import configure_logging, get_logger, log_hub_errors
configure_logging("test", "info")
def boom():
    raise ValueError("two\\nlines")
"""


def logged(code: str) -> list[dict[str, Any]]:
    """The lines that a process writes which runs this."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_our_lines_carry_their_context() -> None:
    [line] = logged("get_logger('a.b').info('happened', partition=3, agent='ä')")
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "a.b",
        "message": "happened",
        "process": "test",
        "partition": 3,
        "agent": "ä",
    }


def test_a_library_says_it_in_the_same_form() -> None:
    [line] = logged("logging.getLogger('lib').warning('%d of %s', 1, 'two')")
    assert (line["message"], line["logger"], line["level"]) == ("1 of two", "lib", "warning")
    assert (line["process"], "timestamp" in line) == ("test", True)


def test_what_is_below_the_level_is_left_out() -> None:
    assert logged("get_logger('x').debug('no'); logging.getLogger('x').debug('no')") == []


@pytest.mark.parametrize(
    "code",
    [
        "boom()",
        "t = threading.Thread(target=boom); t.start(); t.join()",
        "try:\n    boom()\nexcept ValueError:\n    get_logger('x').exception('failed')",
        "try:\n    boom()\nexcept ValueError:\n    logging.getLogger('x').exception('failed')",
        "class Odd:\n    def __del__(self):\n        boom()\nOdd()",
        "import gevent\nlog_hub_errors(gevent.get_hub())\ngevent.joinall([gevent.spawn(boom)])",
    ],
    ids=["main", "thread", "ours", "library", "destructor", "greenlet"],
)
def test_an_exception_is_one_line(code: str) -> None:
    [line] = logged(code)
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert "two\nlines" in line["exception"]


def test_a_warning_is_a_line() -> None:
    [line] = logged("warnings.warn('careful')")
    assert line["logger"] == "py.warnings"
    assert "careful" in line["message"]


def test_setting_it_up_twice_says_nothing_twice() -> None:
    assert len(logged("configure_logging('test', 'info'); get_logger('x').info('once')")) == 1


def test_an_interrupt_is_nothing_to_log() -> None:
    assert logged("raise KeyboardInterrupt") == []
