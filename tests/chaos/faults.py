"""The faults, by name. Each breaks something, lets it be broken for a while, and mends it."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.chaos import change_faults
from tests.chaos.scene import PAUSE_S, STALL_S, Scene
from tests.chaos.windows import Window, held, wait_until_passed

GAP_S = (0.0, 0.5)
STALLED_SHARE = 0.4

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
    scene.cut()
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
    scene.cut()
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


def several_at_once(scene: Scene) -> float:
    """Two to four parts are killed or stalled together, and come back in any order."""
    parts = ["postgres", "valkey", "clock", *scene.webs, *scene.workers]
    chosen = scene.random.sample(parts, scene.random.randint(2, 4))
    stalled = [name for name in chosen if scene.random.random() < STALLED_SHARE]
    try:
        for name in chosen:
            if name in stalled:
                scene.tell(f"{name} stalled")
                scene.stack.pause(name)
            else:
                scene.kill(name)
            time.sleep(scene.random.uniform(*GAP_S))
        if "valkey" in chosen and "valkey" not in stalled:
            scene.random.choice((_nothing, scene.stack.valkey.wipe, scene.cut))()
        scene.wait(STALL_S)
    finally:
        back = 0.0
        for name in scene.random.sample(chosen, len(chosen)):
            if name in stalled:
                scene.stack.resume(name)
                back = time.monotonic()
            else:
                back = scene.start(name)
            time.sleep(scene.random.uniform(*GAP_S))
    return back


def _nothing() -> None: ...


def everything_killed(scene: Scene) -> float:
    """The plug is pulled."""
    names = ["postgres", "valkey", *scene.webs, *scene.workers, "clock"]
    for name in scene.random.sample(names, len(names)):
        scene.stack.kill(name)
        scene.stack.stop(name)
    return scene.start(*names)


PROMISED = (
    "web_killed",
    "worker_killed_in_mid_batch",
    "worker_killed_between_commit_and_publish",
    "valkey_killed",
    "valkey_emptied",
    "postgres_killed",
    "web_stalled",
    "worker_stalled",
    "valkey_stalled",
    "postgres_stalled",
    *change_faults.PROMISED,
)
"""What has to be survived before anything else is asked."""

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
        several_at_once,
        everything_killed,
    )
} | change_faults.FAULTS
