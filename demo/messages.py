"""What manager and worker say to each other: lines of JSON over the worker's stdin and stdout."""

from __future__ import annotations

import json
import os
import select
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Assignment:
    """Read this module and answer this question, within so much CPU time."""

    task_id: str
    round_id: str
    title: str
    module: str
    path: str
    question: int
    budget_ms: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an assignment. ``error`` is empty if it was completed or called off."""

    task_id: str
    value: float = 0.0
    where: str = ""
    error: str = ""
    may_retry: bool = False
    called_off: bool = False


def encode(message: Assignment | Outcome) -> bytes:
    """A message as one line."""
    return json.dumps(asdict(message)).encode() + b"\n"


class Lines:
    """Reads whole lines from a pipe, and notices when its other end is gone."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._rest = b""
        self.ended = False

    def fileno(self) -> int:
        """For selectors."""
        return self._pipe

    def wait(self, timeout_s: float | None) -> bool:
        """Whether something (or the end) can be read; None waits for ever."""
        return bool(select.select([self._pipe], [], [], timeout_s)[0])

    def read(self) -> list[bytes]:
        """The lines that are complete now; blocks if nothing is there at all."""
        block = os.read(self._pipe, 65536)
        self.ended = not block
        *lines, self._rest = (self._rest + block).split(b"\n")
        return lines
