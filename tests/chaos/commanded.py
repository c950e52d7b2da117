"""Agents of the Python client that carry out commands, and write down each time that they do."""

from __future__ import annotations

import threading
import time
from collections import Counter
from random import Random

from telltale_client import Agent, Command

WORK_S = (0.0, 0.08)
LONG_WORK_S = (0.0, 1.0)
LIFE_S = (2.0, 6.0)
FLUSH_S = 60.0


class CommandedAgent(threading.Thread):
    """One agent. If it is ``mortal``, it is started anew every few seconds, work in hand or not."""

    def __init__(
        self, agent_id: str, url: str, key: str, random: Random, *, mortal: bool = False
    ) -> None:
        super().__init__(name=agent_id, daemon=True)
        self.mortal = mortal
        self.effects: Counter[str] = Counter()
        """How often each command, by its id, was carried out."""
        self.lives = 0
        self.resting = threading.Event()
        """Set: it lives on."""
        self._url, self._key, self._random = url, key, random
        self._ended = threading.Event()
        self._agent: Agent | None = None

    @property
    def config(self) -> int:
        """The number in the newest configuration that it has; 0 for none."""
        value = self._agent.config.value if self._agent is not None else None
        return int(value.get("n", 0)) if isinstance(value, dict) else 0

    def settled(self) -> bool:
        """Whether all that it said is stored."""
        return self._agent is not None and not self._agent.pending

    def end(self) -> None:
        """Leave for good."""
        self._ended.set()

    def run(self) -> None:
        while not self._ended.is_set():
            self.lives += 1
            with Agent(self._url, self._key, self.name, on_command=self._carry_out) as agent:
                self._agent = agent
                self._live(self._random.uniform(*LIFE_S) if self.mortal else float("inf"))
                # A life ends in the middle of whatever it does: nothing is waited for.
                agent.close(timeout=0)

    def _live(self, seconds: float) -> None:
        over = time.monotonic() + seconds
        while not self._ended.is_set() and (time.monotonic() < over or self.resting.is_set()):
            self._ended.wait(0.1)

    def _carry_out(self, command: Command) -> str:
        agent = self._agent
        if self.mortal and self.effects[command.id]:
            # An agent that may die in between writes down what it does; this one, in its effects.
            return "It was done in a former life."
        self.effects[command.id] += 1
        time.sleep(self._random.uniform(*(LONG_WORK_S if self.mortal else WORK_S)))
        task_id = command.args.get("task_id")
        if agent is not None and isinstance(task_id, str) and not self.mortal:
            agent.emit("task.started", task_id=task_id)
            agent.emit("task.completed", {"result": {"by": command.id}}, task_id=task_id)
        return "done"
