"""The scene of a fault: the parts, the chances, and what can be done to the parts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from launcher.stack import Stack
from launcher.waiting import wait_until

WORKER_READY = "Worker process is ready for action"
WORKER_READY_S = 60.0
PAUSE_S = (0.0, 1.5)
"""How long a killed part stays away."""

STALL_S = (1.0, 6.0)
"""Shorter and longer than the time-outs of those who wait for the part."""


@dataclass(slots=True)
class Scene:
    """What a fault may use. ``told`` says what exactly was done, for the report."""

    stack: Stack
    random: Random
    webs: list[str]
    workers: list[str]
    told: list[str] = field(default_factory=list)

    def tell(self, what: str) -> None:
        """Add to the report."""
        self.told.append(what)

    def wait(self, bounds: tuple[float, float]) -> None:
        """Let things be for a while."""
        seconds = self.random.uniform(*bounds)
        self.tell(f"{seconds:.1f} s")
        time.sleep(seconds)

    def kill(self, *names: str) -> None:
        """SIGKILL these parts; they stay dead until they are started."""
        for name in names:
            self.tell(name)
            self.stack.kill(name)
            self.stack.stop(name)

    def start(self, *names: str) -> float:
        """Start these parts; returns the moment at which the last of them is ready."""
        logs = [(name, self.stack.folder.log(name)) for name in names if name in self.workers]
        before = {name: _ready_lines(log) for name, log in logs}
        for name in names:
            self.stack.start(name)
        for name, log in logs:
            wait_until(
                lambda name=name, log=log: _ready_lines(log) > before[name],  # type: ignore[misc]
                timeout_s=WORKER_READY_S,
                what=lambda: "a worker is not ready",
            )
        return time.monotonic()

    def cut(self) -> None:
        """Cut 10 bytes to 300 kB off Valkey's file, as a machine does that loses its power."""
        folder = self.stack.valkey.data / "appendonlydir"
        newest = max(folder.glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
        size = newest.stat().st_size
        length = min(size, int(10 ** self.random.uniform(1, 5.5)))
        with newest.open("r+b") as file:
            file.truncate(size - length)
        self.tell(f"{length} bytes cut off")

    def stall(self, *names: str) -> float:
        """SIGSTOP these parts for a while; returns the moment at which they go on."""
        for name in names:
            self.tell(name)
            self.stack.pause(name)
        try:
            self.wait(STALL_S)
        finally:
            for name in names:
                self.stack.resume(name)
        return time.monotonic()


def _ready_lines(log: Path) -> int:
    return log.read_text(errors="replace").count(WORKER_READY) if log.exists() else 0
