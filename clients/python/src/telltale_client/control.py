"""What the server wants of the agent now: whether it is paused, and its configuration."""

from __future__ import annotations

import threading
import time

from telltale_client.frames import Config

PAUSE = "pause"
RESUME = "resume"


class Control:
    """Written by the sender's thread as the words come in, read by any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self._released = False
        self._config = Config(0, None)

    @property
    def paused(self) -> bool:
        """Whether the agent was paused and not resumed since."""
        return self._paused

    @property
    def config(self) -> Config:
        """The newest configuration; version 0 is none."""
        return self._config

    def obey(self, word: str) -> bool:
        """Pause or resume; False if this is another word."""
        if word not in (PAUSE, RESUME):
            return False
        with self._changed:
            self._paused = word == PAUSE
            self._changed.notify_all()
        return True

    def configure(self, config: Config) -> bool:
        """Take a configuration over; False if it is the one that is known."""
        if config.version == self._config.version:
            return False
        self._config = config
        return True

    def release(self) -> None:
        """The agent ends: nobody waits for it to be resumed any more."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def wait_while_paused(self, timeout_s: float | None) -> bool:
        """Return when the agent is not paused, or ends, or the time is over: then False."""
        if not self._paused:
            return True
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while self._paused and not self._released:
                rest = None if until is None else until - time.monotonic()
                if rest is not None and rest <= 0:
                    break
                self._changed.wait(rest)
            return not self._paused
