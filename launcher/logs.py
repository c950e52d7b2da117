"""The children's log files: their last lines, as a person reads them, and a bound on their size."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

LARGEST_BYTES = 32_000_000
TAIL_BYTES = 16_384


def last_lines(path: Path, count: int = 12) -> list[str]:
    """The last lines of a log that say something, oldest first; none when there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip()][-count:]


def readable(line: str) -> str:
    """A line of JSON as ``time level message name=value …``, with a traceback below; other lines,
    which the database servers write, as they are.
    """
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict):
        return line
    trace = entry.pop("exception", "")
    for name in ("process", "logger"):
        entry.pop(name, None)
    first = [str(entry.pop(name, "")) for name in ("timestamp", "level", "message")]
    told = " ".join([*first, *(f"{name}={value}" for name, value in entry.items())]).strip()
    return f"{told}\n{trace}" if trace else told


def bound(path: Path) -> None:
    """Move a log that has grown over 32 MB to ``<name>.1``, in place of the one before.

    The child keeps its descriptor, which appends, so the file is copied and then emptied; a line
    written in between is lost.
    """
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)
