"""The faults, by name. Each breaks something, lets it be broken for a while, and mends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos.windows import Window, held, wait_until_passed

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


Fault = Callable[[Scene], float]
"""Returns the monotonic moment at which the part was there again."""


def web_killed(scene: Scene) -> float:
    """A web process; the other one takes over."""
    name = scene.random.choice(scene.webs)
    scene.kill(name)
    scene.wait(PAUSE_S)
    return scene.start(name)


def web_restarted(scene: Scene) -> float:
    """A deployment: SIGTERM, and the sockets are sent away in order."""
    name = scene.random.choice(scene.webs)
    scene.tell(name)
    scene.stack.stop(name)
    return scene.start(name)


def worker_killed(scene: Scene) -> float:
    """One worker, at any moment."""
    name = scene.random.choice(scene.workers)
    scene.kill(name)
    scene.wait(PAUSE_S)
    return scene.start(name)


def worker_restarted(scene: Scene) -> float:
    """A deployment: SIGTERM, and the transaction in hand is finished."""
    name = scene.random.choice(scene.workers)
    scene.tell(name)
    scene.stack.stop(name)
    return scene.start(name)


def worker_killed_in_mid_batch(scene: Scene) -> float:
    """All workers, while one has written everything and not committed: PostgreSQL rolls back."""
    with held(scene.stack.database_url, Window.MID_BATCH):
        scene.kill(*scene.workers)
    scene.wait(PAUSE_S)
    return scene.start(*scene.workers)


def worker_killed_between_commit_and_publish(scene: Scene) -> float:
    """All workers, after PostgreSQL has committed for one of them and before it could say so."""
    with held(scene.stack.database_url, Window.COMMIT) as pids:
        for name in scene.workers:
            scene.stack.pause(name)
    wait_until_passed(scene.stack.database_url, pids)
    scene.kill(*scene.workers)
    return scene.start(*scene.workers)


def commit_without_an_answer(scene: Scene) -> float:
    """PostgreSQL commits and dies before the worker hears of it."""
    with held(scene.stack.database_url, Window.COMMIT) as pids:
        for name in scene.workers:
            scene.stack.pause(name)
    wait_until_passed(scene.stack.database_url, pids)
    scene.kill("postgres")
    for name in scene.workers:
        scene.stack.resume(name)
    scene.wait(PAUSE_S)
    return scene.start("postgres")


def valkey_killed(scene: Scene) -> float:
    """Valkey comes back with all its data."""
    scene.kill("valkey")
    scene.wait(PAUSE_S)
    return scene.start("valkey")


def valkey_emptied(scene: Scene) -> float:
    """Valkey comes back with nothing."""
    scene.kill("valkey")
    scene.stack.valkey.wipe()
    scene.wait(PAUSE_S)
    return scene.start("valkey")


def valkey_cut(scene: Scene) -> float:
    """Valkey comes back without the last part of its append-only file."""
    scene.kill("valkey")
    scene.tell(f"{cut_append_only_file(scene)} bytes cut off")
    scene.wait(PAUSE_S)
    return scene.start("valkey")


def postgres_killed(scene: Scene) -> float:
    """PostgreSQL recovers from its write-ahead log."""
    scene.kill("postgres")
    scene.wait(PAUSE_S)
    return scene.start("postgres")


def clock_killed(scene: Scene) -> float:
    """Nobody sweeps for a while."""
    scene.kill("clock")
    scene.wait(PAUSE_S)
    return scene.start("clock")


def valkey_stalled(scene: Scene) -> float:
    """Valkey answers nobody, and its connections stay open."""
    return scene.stall("valkey")


def postgres_stalled(scene: Scene) -> float:
    """PostgreSQL answers nobody, and its connections stay open."""
    return scene.stall("postgres")


def worker_stalled(scene: Scene) -> float:
    """A worker stops in its tracks, perhaps with a partition's lease."""
    return scene.stall(scene.random.choice(scene.workers))


def web_stalled(scene: Scene) -> float:
    """A web process stops in its tracks, with frames half read."""
    return scene.stall(scene.random.choice(scene.webs))


def worker_and_valkey_killed(scene: Scene) -> float:
    """Two at once: what the worker had read is gone on both sides."""
    names = [*scene.workers, "valkey"]
    scene.random.shuffle(names)
    scene.kill(*names)
    scene.tell(f"{cut_append_only_file(scene)} bytes cut off")
    scene.wait(PAUSE_S)
    scene.random.shuffle(names)
    return scene.start(*names)


def valkey_emptied_while_postgres_stalls(scene: Scene) -> float:
    """Agents come back when nobody can say how far they are stored."""
    scene.tell("postgres")
    scene.stack.pause("postgres")
    try:
        valkey_emptied(scene)
        scene.wait(STALL_S)
    finally:
        scene.stack.resume("postgres")
    return time.monotonic()


def web_killed_while_postgres_is_down(scene: Scene) -> float:
    """Everybody comes to the other process, which cannot look anything up."""
    name = scene.random.choice(scene.webs)
    scene.kill("postgres")
    scene.kill(name)
    scene.wait(PAUSE_S)
    scene.wait(PAUSE_S)
    return scene.start("postgres", name)


def everything_killed(scene: Scene) -> float:
    """The plug is pulled."""
    names = ["postgres", "valkey", *scene.webs, *scene.workers, "clock"]
    for name in scene.random.sample(names, len(names)):
        scene.stack.kill(name)
        scene.stack.stop(name)
    return scene.start(*names)


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        web_killed,
        web_restarted,
        web_stalled,
        worker_killed,
        worker_restarted,
        worker_killed_in_mid_batch,
        worker_killed_between_commit_and_publish,
        worker_stalled,
        commit_without_an_answer,
        valkey_killed,
        valkey_emptied,
        valkey_cut,
        valkey_stalled,
        postgres_killed,
        postgres_stalled,
        clock_killed,
        worker_and_valkey_killed,
        valkey_emptied_while_postgres_stalls,
        web_killed_while_postgres_is_down,
        everything_killed,
    )
}


def cut_append_only_file(scene: Scene) -> int:
    """Cut off a tail of 10 bytes to 300 kB, as a machine does that loses its power; its length."""
    folder: Path = scene.stack.valkey.data / "appendonlydir"
    newest = max(folder.glob("*.incr.aof"), key=lambda path: path.stat().st_mtime)
    size = newest.stat().st_size
    length = min(size, int(10 ** scene.random.uniform(1, 5.5)))
    with newest.open("r+b") as file:
        file.truncate(size - length)
    return length


def _ready_lines(log: Path) -> int:
    return log.read_text(errors="replace").count(WORKER_READY) if log.exists() else 0
