"""What a manager does to its workers now and then: a break, another pace, a task called off."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from itertools import cycle

from telltale_client import Agent, ApiError

from demo.messages import Assignment
from demo.names import worker_name
from demo.office import Office

EVERY_S = 9.0
BREAK_S = 5.0
PACES = (0.7, 1.0, 1.4)
TURNED_AWAY = (401, 403)

Work = tuple[int, Assignment]
"""A worker's number, and what it is at."""


class Moves:
    """One move at a time, on one of the workers that are at work and not on a break."""

    def __init__(self, agent: Agent, office: Office, pace: float) -> None:
        self._agent = agent
        self._office = office
        self._pace = pace
        self._draw = random.Random()
        self._next = cycle((self._give_a_break, self._change_the_pace, self._call_off))
        self._due = time.monotonic() + EVERY_S * pace
        self._breaks: dict[int, float] = {}

    def make(self, at_work: Sequence[Work]) -> None:
        """Do what is due. Call it often.

        Raises:
            ApiError: if the server turns the manager away.
        """
        now = time.monotonic()
        for number in [number for number, until in self._breaks.items() if now >= until]:
            # Also if it has died meanwhile: the one in its place may have found the order to pause.
            del self._breaks[number]
            self._try(lambda number=number: self._office.resume(number))  # type: ignore[misc]
        awake = [work for work in at_work if work[0] not in self._breaks]
        if now >= self._due and awake:
            self._due = now + EVERY_S * self._pace
            move, work = next(self._next), self._draw.choice(awake)
            self._try(lambda: move(*work))

    def _give_a_break(self, number: int, _: Assignment) -> None:
        self._breaks[number] = time.monotonic() + BREAK_S * self._pace
        self._say(f"{worker_name(number)} may take a break.")
        self._office.pause(number)

    def _change_the_pace(self, number: int, _: Assignment) -> None:
        pace = self._draw.choice(PACES)
        self._say(f"{worker_name(number)} is to work at pace {pace:g}.")
        self._office.set_pace(number, pace)

    def _call_off(self, number: int, task: Assignment) -> None:
        self._say(f"{worker_name(number)} need not read {task.module}.")
        self._office.stop(number, task.task_id)

    def _try(self, move: Callable[[], None]) -> None:
        """A move that is refused, by a project's schema perhaps, is no reason to end."""
        try:
            move()
        except ApiError as error:
            if error.status in TURNED_AWAY:
                raise
            self._agent.log(f"Refused: {error}", "warning")

    def _say(self, words: str) -> None:
        self._agent.log(words)
