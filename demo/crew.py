"""The worker processes, as the manager sees them: started, given work, listened to, replaced."""

from __future__ import annotations

import json
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from demo.ending import TURNED_AWAY
from demo.messages import Assignment, Lines, Outcome, encode

STOP_S = 2.0
STEADY_S = 20.0
LONGEST_WAIT_S = 30.0


class TurnedAway(Exception):
    """The server refuses a worker for good; its own words are on stderr."""


@dataclass(frozen=True, slots=True)
class Done:
    """A worker has answered."""

    number: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Died:
    """A worker is gone; another one comes in ``wait_s`` seconds. ``task`` is what it was at."""

    number: int
    how: str
    task: Assignment | None
    wait_s: float


@dataclass(slots=True)
class _Seat:
    """One worker's place: the process in it, and when the next one may start."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    lines: Lines | None = None
    task: Assignment | None = None
    started: float = 0.0
    not_before: float = 0.0
    deaths: int = field(default=0)


class Crew:
    """Keeps ``size`` workers alive. One that keeps dying is started again ever more slowly."""

    def __init__(self, size: int, pace: float) -> None:
        self._pace = pace
        self._seats = [_Seat(number) for number in range(1, size + 1)]
        self._selector = selectors.DefaultSelector()

    def start_missing(self) -> None:
        """Fill the seats whose time has come."""
        for seat in self._seats:
            if seat.process is None and time.monotonic() >= seat.not_before:
                self._start(seat)

    def idle(self) -> list[int]:
        """Workers that have nothing to do."""
        return [seat.number for seat in self._seats if seat.process and seat.task is None]

    def at_work(self) -> list[tuple[int, Assignment]]:
        """Workers that have something to do, and what."""
        return [(seat.number, seat.task) for seat in self._seats if seat.task is not None]

    def assign(self, number: int, task: Assignment) -> None:
        """Give an idle worker its task. If it has died, `events` will tell."""
        seat = self._seats[number - 1]
        seat.task = task
        if seat.process is not None and seat.process.stdin is not None:
            try:
                seat.process.stdin.write(encode(task))
                seat.process.stdin.flush()
            except OSError:
                return

    def events(self, timeout_s: float) -> Iterator[Done | Died]:
        """What happens within ``timeout_s`` seconds, as far as it happens at once.

        Raises:
            TurnedAway: if the server has refused a worker for good.
        """
        for key, _ in self._selector.select(timeout_s):
            seat: _Seat = key.data
            if seat.lines is None:
                continue
            for line in seat.lines.read():
                seat.task = None
                yield Done(seat.number, Outcome(**json.loads(line)))
            if seat.lines.ended:
                yield self._bury(seat)

    def stop(self) -> None:
        """End all processes: politely, and after two seconds for certain."""
        processes = [seat.process for seat in self._seats if seat.process is not None]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for process in processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        self._selector.close()

    def _start(self, seat: _Seat) -> None:
        words = ("-m", "demo.worker", str(seat.number), "--pace", str(self._pace))
        process = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        seat.process, seat.started = process, time.monotonic()
        seat.lines = Lines(process.stdout.fileno())
        self._selector.register(seat.lines, selectors.EVENT_READ, seat)

    def _bury(self, seat: _Seat) -> Died:
        process, lines, task = seat.process, seat.lines, seat.task
        assert process is not None
        assert lines is not None
        self._selector.unregister(lines)
        status = process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        if status == TURNED_AWAY:
            raise TurnedAway(f"Worker {seat.number} was turned away by the server.")
        lived = time.monotonic() - seat.started
        seat.deaths = 0 if lived >= STEADY_S else seat.deaths + 1
        wait_s = min(LONGEST_WAIT_S, 0.5 * 2.0 ** min(seat.deaths, 10))
        seat.process = seat.lines = seat.task = None
        seat.not_before = time.monotonic() + wait_s
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        return Died(seat.number, how, task, wait_s)
