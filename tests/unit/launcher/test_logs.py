"""A log's last lines, as the launcher shows them to a person."""

from __future__ import annotations

import pytest

from launcher.logs import readable


def test_a_line_of_json_reads_as_a_sentence() -> None:
    line = (
        '{"partition": 3, "process": "worker", "level": "warning", "logger": "workers.ingest",'
        ' "timestamp": "2026-11-23T10:00:00Z", "message": "breaker"}'
    )
    assert readable(line) == "2026-11-23T10:00:00Z warning breaker partition=3"


def test_a_traceback_keeps_its_lines() -> None:
    line = '{"level": "error", "message": "oh", "exception": "Traceback\\n  a\\nValueError"}'
    assert readable(line) == "error oh\nTraceback\n  a\nValueError"


@pytest.mark.parametrize("line", ["LOG:  database system is ready", "12", '"x"', "", "{", "[1]"])
def test_other_lines_stay_as_they_are(line: str) -> None:
    assert readable(line) == line
