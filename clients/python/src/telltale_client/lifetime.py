"""What happens to living agents when the interpreter exits or the process forks."""

from __future__ import annotations

import atexit
import functools
import multiprocessing
import os
import time
from typing import Protocol

from telltale_client.uuid7 import uuid7


class Living(Protocol):
    """What can be closed at the end, and made anew in a forked child."""

    @property
    def exit_timeout_s(self) -> float:
        """How long the exit may wait for it, in seconds."""

    def close(self, timeout_s: float) -> bool:
        """Bring what is pending to the server, and stop."""

    def renew_after_fork(self) -> None:
        """Forget the parent's events, lock, thread and socket."""


_living: set[Living] = set()


def watch(one: Living) -> None:
    """Close it at exit, renew it after a fork, until it is let go."""
    _install()
    _living.add(one)


def unwatch(one: Living) -> None:
    """It is closed."""
    _living.discard(one)


def watch_child_exit() -> None:
    """In a process that multiprocessing forked, atexit is passed over; its own finalizers run."""
    if multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _close_all, exitpriority=100)


@functools.cache
def _install() -> None:
    atexit.register(_close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_renew_all)


def _close_all() -> None:
    """All of them together wait no longer than the most patient one."""
    living = list(_living)
    deadline = time.monotonic() + max((one.exit_timeout_s for one in living), default=0.0)
    for one in living:
        one.close(max(0.0, min(one.exit_timeout_s, deadline - time.monotonic())))


def _renew_all() -> None:
    uuid7.renew()
    for one in list(_living):
        one.renew_after_fork()
