"""Keeps children alive: names one that dies, starts it again patiently, and gives up in time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from launcher.errors import LauncherError, PartFailed
from launcher.folder import DataFolder
from launcher.logs import bound, last_lines
from launcher.process import Process, Program
from launcher.waiting import wait_until

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 8.0
DEATHS_ALLOWED = 5
DEATHS_WINDOW_S = 60.0
SPAWN_TIMEOUT_S = 30.0


@dataclass(slots=True)
class _Child:
    program: Program
    process: Process
    wanted: bool = True
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS_ALLOWED + 1))


class Supervisor:
    """Starts programs and stops them in reverse order; one thread makes every ``Process``.

    After ``keep_alive`` a child that dies unasked is started again after 0.5, 1, 2 … 8 seconds; at
    the sixth death within a minute the supervisor gives up: ``failure`` says why, and ``wake``
    is set. What is not essential stays down then, and the rest goes on.
    """

    def __init__(self, folder: DataFolder, *, tell: Callable[[str], None]) -> None:
        self.wake = threading.Event()
        self.hurry = threading.Event()
        self.failure: PartFailed | None = None
        self._folder = folder
        self._restart = False
        self._tell = tell
        self._children: dict[str, _Child] = {}
        self._lock = threading.RLock()
        self._spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def start(self, program: Program) -> Process:
        """Start a program; one of the same name must not be running.

        Raises:
            LauncherError: it is running.
        """
        with self._lock:
            child = self._children.get(program.name)
            if child is not None and child.process.alive:
                raise LauncherError(f"{program.name} is running already.")
            process = self._spawn(program)
            if child is None:
                self._children[program.name] = _Child(program, process)
            else:
                child.program, child.process, child.wanted = program, process, True
            return process

    def run(self, program: Program, *, timeout_s: float, abort: threading.Event) -> None:
        """Run a program to its end.

        Raises:
            PartFailed: it failed or took too long.
            Stopped: ``abort`` was set meanwhile.
        """
        process = self._spawn(program)
        try:
            wait_until(
                process.exited.is_set,
                timeout_s=timeout_s,
                what=lambda: f"{program.name} did not end within {timeout_s:g} s.",
                abort=abort,
            )
        finally:
            process.stop(self.hurry)
        if process.returncode != 0:
            raise self.failed(program.name, f"failed ({process.how_it_ended()})")

    def keep_alive(self) -> None:
        """From now on, start again what dies; also what has died since its start."""
        with self._lock:
            self._restart = True
            dead = [child.process for child in self._children.values() if not child.process.alive]
        for process in dead:
            self._exited(process)

    def process(self, name: str) -> Process:
        """The newest process of that name.

        Raises:
            LauncherError: nothing of that name was started.
        """
        with self._lock:
            if name not in self._children:
                raise LauncherError(f"There is no part called {name!r} here.")
            return self._children[name].process

    def check_alive(self) -> None:
        """See that nothing has died unasked; for the time before ``keep_alive``.

        Raises:
            PartFailed: names the child that has, with the last lines of its log.
        """
        with self._lock:
            if self._restart:
                return
            for name, child in self._children.items():
                if child.wanted and not child.process.alive:
                    raise self.failed(name, f"ended ({child.process.how_it_ended()})")

    def running(self) -> list[str]:
        """The names of the children that live, in the order of their first start."""
        with self._lock:
            return [name for name, child in self._children.items() if child.process.alive]

    def stop(self, name: str) -> None:
        """Stop one child and leave it so."""
        process = self.process(name)
        with self._lock:
            self._children[name].wanted = False
        process.stop(self.hurry)

    def stop_all(self) -> None:
        """Stop every child, the last started first. Nothing is started after this."""
        with self._lock:
            children = list(self._children.values())
            for child in children:
                child.wanted = False
            self._restart = False
        for child in reversed(children):
            child.process.stop(self.hurry)
        self._spawner.shutdown(wait=True)

    def bound_logs(self) -> None:
        """Keep the log files within their size."""
        with self._lock:
            names = list(self._children)
        for name in names:
            with contextlib.suppress(OSError):
                bound(self._folder.log(name))

    def failed(self, name: str, what: str) -> PartFailed:
        """The error that tells of a child's end, with the last lines of its log."""
        log = self._folder.log(name)
        return PartFailed(f"{name} {what}; its log is {log}.", last_lines(log))

    def _spawn(self, program: Program) -> Process:
        made = self._spawner.submit(
            Process, program, self._folder.log(program.name), on_exit=self._exited
        )
        return made.result(timeout=SPAWN_TIMEOUT_S)

    def _exited(self, process: Process) -> None:
        """Called by the thread that watched the process."""
        with self._lock:
            child = self._children.get(process.program.name)
            if (
                child is None
                or child.process is not process
                or not child.wanted
                or not self._restart
            ):
                return
            process.sweep()
            name, how = process.program.name, process.how_it_ended()
            now = time.monotonic()
            child.deaths.append(now)
            recent = sum(1 for died in child.deaths if now - died < DEATHS_WINDOW_S)
            if recent > DEATHS_ALLOWED:
                self._give_up(child, f"ended {recent} times within a minute ({how})")
                return
            delay_s = min(FIRST_DELAY_S * 2 ** (recent - 1), LONGEST_DELAY_S)
        self._tell(f"{name} ended ({how}); it starts again in {delay_s:g} s.")
        timer = threading.Timer(delay_s, self._start_again, [child, process])
        timer.daemon = True
        timer.start()

    def _start_again(self, child: _Child, dead: Process) -> None:
        """Called by a timer's thread, which nobody waits for."""
        with self._lock:
            if child.process is not dead or not child.wanted or not self._restart:
                return
            try:
                child.process = self._spawn(child.program)
            except Exception as error:
                reason = str(error) or type(error).__name__
                self._give_up(child, f"could not be started again ({reason})")

    def _give_up(self, child: _Child, what: str) -> None:
        """End the whole, or leave down what the rest can do without."""
        failure = self.failed(child.program.name, what)
        if child.program.essential:
            self.failure = failure
            self.wake.set()
        else:
            child.wanted = False
            self._tell(f"{failure} It stays down; everything else goes on.")
