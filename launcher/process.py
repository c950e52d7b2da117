"""One child: in a session of its own, stopped with patience, killed with all it has started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

TETHER = Path(__file__).with_name("tether.py")
HURRIED_S = 2.0
KILLED_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, and how to ask it to end.

    ``user`` is ``(uid, gid)`` where it may not run as root. ``stop_signal`` goes to the first
    process alone, which passes it on to its own children. ``answer`` is the file for what it writes
    to its standard output, where that is not for the log. What is not ``essential`` stays down, and
    the rest up, when it has died too often.
    """

    name: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    user: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 10.0
    answer: Path | None = None
    essential: bool = True


class Process:
    """A running child.

    The thread that makes it must outlive it: Linux counts the end of that thread as the end of
    the parent (see ``tether``).
    """

    def __init__(self, program: Program, log: Path, *, on_exit: Callable[[Process], None]) -> None:
        self.program = program
        self.exited = threading.Event()
        self._swept = False
        user = f"{program.user[0]}:{program.user[1]}" if program.user else "-"
        words = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid())]
        with log.open("ab") as output, _answer_file(program) as answer:
            self._popen = subprocess.Popen(
                [*words, str(int(program.stop_signal)), user, *program.argv],
                stdin=subprocess.DEVNULL,
                stdout=answer or output,
                stderr=output,
                cwd=program.cwd,
                env=dict(program.env),
                start_new_session=True,
            )
        threading.Thread(
            target=self._watch, args=(on_exit,), name=f"watch-{program.name}", daemon=True
        ).start()

    @property
    def pid(self) -> int:
        """The first process's id; also its group's."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether the first process is there."""
        return not self.exited.is_set()

    @property
    def returncode(self) -> int | None:
        """The exit status, or minus the signal that ended it; None while it lives."""
        return self._popen.returncode if self.exited.is_set() else None

    def how_it_ended(self) -> str:
        """Its exit in words: ``exit status 1`` or ``SIGKILL``."""
        code = self.returncode
        if code is None:
            return "running"
        if code >= 0:
            return f"exit status {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    def pids(self) -> list[int]:
        """The first process and all its descendants, parents first."""
        if not self.alive:
            return []
        try:
            first = psutil.Process(self.pid)
            return [self.pid, *(child.pid for child in first.children(recursive=True))]
        except psutil.NoSuchProcess:
            return []

    def stop(self, hurry: threading.Event | None = None) -> None:
        """Ask it to end, wait as long as its program may take, then kill it.

        Setting ``hurry`` shortens the wait to two seconds.
        """
        if self.alive:
            self._send(self.pid, self.program.stop_signal)
            self.resume()
        deadline = time.monotonic() + self.program.stop_timeout_s
        while not self.exited.wait(0.05):
            if hurry is not None and hurry.is_set():
                deadline = min(deadline, time.monotonic() + HURRIED_S)
                hurry = None
            if time.monotonic() >= deadline:
                break
        self.kill()

    def kill(self) -> None:
        """End it and everything it has started, at once."""
        descendants = self.pids()
        for pid in descendants:
            self._send(pid, signal.SIGKILL)
        self.exited.wait(KILLED_S)
        self.sweep()

    def sweep(self) -> None:
        """Kill what is left of its group; only once, since its id may become another's."""
        if self._swept:
            return
        self._swept = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def pause(self) -> None:
        """Stall it and everything it has started, without a word to anybody."""
        for pid in self.pids():
            self._send(pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        for pid in self.pids():
            self._send(pid, signal.SIGCONT)

    def _watch(self, on_exit: Callable[[Process], None]) -> None:
        self._popen.wait()
        self.exited.set()
        on_exit(self)

    @staticmethod
    def _send(pid: int, signal_number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal_number)


def _answer_file(program: Program) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    if program.answer is None:
        return contextlib.nullcontext()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.fdopen(os.open(program.answer, flags, 0o600), "wb")
