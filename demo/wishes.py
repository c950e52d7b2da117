"""What the manager wants of a worker in the midst of its work: to drop it, or another pace."""

from __future__ import annotations

from typing import Any

from telltale_client import Command

SLOWEST = 100.0


class CalledOff(Exception):
    """The task is not wanted any more."""


class Wishes:
    """Written by the client's callbacks, read between two steps of work."""

    def __init__(self) -> None:
        self.pace = 1.0
        self._task_id = ""
        self._unwanted = ""

    def begin(self, task_id: str) -> None:
        """From now on this is the task that may be called off."""
        self._task_id = task_id

    def check(self) -> None:
        """Call between two steps.

        Raises:
            CalledOff: the task is not wanted any more.
        """
        if self._unwanted == self._task_id:
            raise CalledOff("the manager has called it off")

    def cancel(self, command: Command) -> str:
        """Take the command ``cancel``; its ``args`` name the task.

        Raises:
            ValueError: this is not the task that the worker is at.
        """
        task_id = command.args.get("task_id")
        if task_id != self._task_id:
            raise ValueError("I am not at this task.")
        self._unwanted = task_id
        return "I drop it."

    def configure(self, _: int, value: Any) -> None:
        """Take a configuration: ``{"pace": 1.4}`` makes every step take that much longer."""
        pace = value.get("pace", 1.0) if isinstance(value, dict) else 1.0
        if isinstance(pace, int | float) and 0 <= pace <= SLOWEST:
            self.pace = float(pace)
