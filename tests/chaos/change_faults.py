"""Faults at exact moments of a change: a command that is made, or a step of one that is written."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.scene import PAUSE_S, Scene
from tests.chaos.windows import Window, held, wait_until_passed


def web_killed_in_mid_command(scene: Scene) -> float:
    """All web processes, while one has written a command and not committed: it is not done."""
    with held(scene.stack.database_url, Window.ORDERED):
        scene.kill(*scene.webs)
    scene.wait(PAUSE_S)
    return scene.start(*scene.webs)


def web_killed_between_commit_and_answer(scene: Scene) -> float:
    """The command is there; neither the manager nor the drain has heard of it."""
    _stop_in_commit(scene, Window.ORDER_COMMIT)
    scene.kill(*scene.webs)
    return scene.start(*scene.webs)


def web_killed_after_a_step(scene: Scene) -> float:
    """What an agent said of a command is written; nobody pokes the drain for its event."""
    _stop_in_commit(scene, Window.STEP_COMMIT)
    scene.kill(*scene.webs)
    return scene.start(*scene.webs)


def postgres_killed_after_a_command(scene: Scene) -> float:
    """PostgreSQL commits a command and dies before the web process hears of it."""
    _stop_in_commit(scene, Window.ORDER_COMMIT)
    scene.kill("postgres")
    for name in scene.webs:
        scene.stack.resume(name)
    scene.wait(PAUSE_S)
    return scene.start("postgres")


def valkey_killed_in_mid_command(scene: Scene) -> float:
    """The command commits, and there is nobody to poke."""
    with held(scene.stack.database_url, Window.ORDERED):
        scene.kill("valkey")
    scene.wait(PAUSE_S)
    return scene.start("valkey")


def _stop_in_commit(scene: Scene, window: Window) -> None:
    """Let PostgreSQL commit, while every web process stands still."""
    with held(scene.stack.database_url, window) as pids:
        for name in scene.webs:
            scene.stack.pause(name)
    wait_until_passed(scene.stack.database_url, pids)


PROMISED = ("web_killed_in_mid_command", "web_killed_between_commit_and_answer")
"""What has to be survived before anything else is asked."""

FAULTS: dict[str, Callable[[Scene], float]] = {
    fault.__name__: fault
    for fault in (
        web_killed_in_mid_command,
        web_killed_between_commit_and_answer,
        web_killed_after_a_step,
        postgres_killed_after_a_command,
        valkey_killed_in_mid_command,
    )
}
