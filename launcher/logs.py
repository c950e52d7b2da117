"""The children's log files: their last lines, and a bound on their size."""

from __future__ import annotations

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


def bound(path: Path) -> None:
    """Move a log that has grown over 32 MB to ``<name>.1``, in place of the one before.

    The child keeps its descriptor, which appends, so the file is copied and then emptied; a line
    written in between is lost.
    """
    if path.exists() and path.stat().st_size > LARGEST_BYTES:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)
