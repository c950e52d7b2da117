"""A process's own CPU and memory, reported every two seconds."""

from __future__ import annotations

import os
import signal
import threading

import psutil
from telltale_client import Agent, TelltaleError

EVERY_S = 2.0


class Vitals:
    """A thread that reports until it is stopped. With ``parent`` it also ends an orphan."""

    def __init__(self, agent: Agent, parent: int | None = None) -> None:
        self._agent = agent
        self._parent = parent
        self._process = psutil.Process()
        self._process.cpu_percent(None)  # the first call begins the measurement
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vitals", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Report no more."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_S):
            if self._parent is not None and os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            try:
                self._agent.metric(
                    cpu_pct=self._process.cpu_percent(None),
                    memory_bytes=self._process.memory_info().rss,
                )
            except TelltaleError:
                return
