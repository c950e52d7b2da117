"""The manager: asks a question a round, hands the modules out, and sums up what came back."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import replace
from itertools import count

from telltale_client import Agent

from demo.catalogue import Module, rounds, standard_library
from demo.crew import Crew, Died, Done
from demo.messages import Assignment, Outcome
from demo.questions import QUESTIONS
from demo.round import Round
from demo.settings import Settings
from demo.vitals import Vitals

BUDGET_MS = 80.0
SECOND_BUDGET_MS = 600.0
REPORT_EVERY = 5
REST_S = 3.0
CLOSE_S = 0.5


class Manager:
    """One agent with the role manager. `run` returns only by an exception."""

    def __init__(self, agent: Agent, crew: Crew, settings: Settings) -> None:
        self._agent = agent
        self._crew = crew
        self._settings = settings
        # Ids of this run do not meet those of the last.
        self._run = f"demo-{int(time.time()):x}"
        self._numbers = count(1)
        self._waiting: deque[Assignment] = deque()

    def run(self) -> None:
        """Round after round.

        Raises:
            TurnedAway, AgentFailed: if the server refuses the fleet for good.
        """
        self._agent.status("planning", "listing the standard library")
        self._agent.emit("tool.called", {"tool": "list_modules"})
        began = time.perf_counter()
        modules = standard_library()
        took = round((time.perf_counter() - began) * 1000, 1)
        self._agent.emit(
            "tool.returned", {"tool": "list_modules", "modules": len(modules), "duration_ms": took}
        )
        choices = rounds(modules, min(self._settings.round_size, len(modules)), random.Random())
        for number, chosen in enumerate(choices, start=1):
            self._play(number, chosen)

    def _play(self, number: int, modules: list[Module]) -> None:
        """One round, from its creation to its summary."""
        index = (number - 1) % len(QUESTIONS)
        question = QUESTIONS[index]
        title = f"Round {number}: {question.title}"
        current = Round(f"{self._run}-r{number}", title, question, len(modules))
        self._tell(current, "task.created", modules=len(modules))
        self._tell(current, "task.started")
        self._agent.status("coordinating", title, task_id=current.task_id)
        for module in modules:
            self._queue(current, index, module)
        while self._waiting or self._crew.busy():
            self._step(current)
        self._agent.status("summing_up", title, task_id=current.task_id)
        self._tell(current, "task.completed", **current.result())
        self._agent.log(current.summary(), task_id=current.task_id, trace_id=current.task_id)
        self._rest()

    def _queue(self, current: Round, question: int, module: Module) -> None:
        task = Assignment(
            task_id=f"{self._run}-{next(self._numbers)}",
            round_id=current.task_id,
            title=f"{module.name}: {current.question.title}",
            module=module.name,
            path=module.path,
            question=question,
            budget_ms=BUDGET_MS,
        )
        self._waiting.append(task)

    def _step(self, current: Round) -> None:
        """Hand out what can be handed out, and take in what comes back."""
        self._crew.start_missing()
        for number in self._crew.idle():
            if self._waiting:
                self._hand_out(current, number, self._waiting.popleft())
        for event in self._crew.events(0.5):
            match event:
                case Done():
                    self._take(current, event.outcome)
                case Died():
                    self._mourn(current, event)

    def _hand_out(self, current: Round, number: int, task: Assignment) -> None:
        self._agent.emit(
            "task.created",
            {
                "title": task.title,
                "agent_id": f"demo-worker-{number}",
                "parent_id": current.task_id,
                "budget_ms": task.budget_ms,
            },
            task_id=task.task_id,
            trace_id=current.task_id,
        )
        current.assigned[task.task_id] = task
        self._crew.assign(number, task)

    def _take(self, current: Round, outcome: Outcome) -> None:
        task = current.assigned.pop(outcome.task_id)
        if outcome.may_retry and task.budget_ms < SECOND_BUDGET_MS:
            self._again(task, f"{task.module} gets more time: {outcome.error}", SECOND_BUDGET_MS)
            return
        current.take(task.module, outcome)
        if current.done % REPORT_EVERY == 0:
            self._tell(current, "task.progress", done=current.done, of=current.size)

    def _mourn(self, current: Round, died: Died) -> None:
        self._agent.log(
            f"Worker {died.number} died ({died.how}); another starts in {died.wait_s:g} s.",
            "error",
            trace_id=current.task_id,
        )
        task = died.task
        if task is not None:
            current.assigned.pop(task.task_id, None)
            self._agent.emit(
                "task.failed",
                {"title": task.title, "error": f"the worker died ({died.how})"},
                task_id=task.task_id,
                trace_id=current.task_id,
                severity="error",
            )
            self._again(task, f"{task.module} is read again.", task.budget_ms)

    def _again(self, task: Assignment, why: str, budget_ms: float) -> None:
        """A failed task stays failed: the module becomes a new one."""
        self._agent.log(why, "warning", task_id=task.task_id, trace_id=task.round_id)
        fresh = f"{self._run}-{next(self._numbers)}"
        self._waiting.append(replace(task, task_id=fresh, budget_ms=budget_ms))

    def _rest(self) -> None:
        until = time.monotonic() + REST_S * self._settings.pace
        while (rest := until - time.monotonic()) > 0:
            for event in self._crew.events(rest):
                if isinstance(event, Died):
                    self._agent.log(f"Worker {event.number} died ({event.how}).", "error")

    def _tell(self, current: Round, type_: str, **data: object) -> None:
        self._agent.emit(
            type_,
            {"title": current.title, **data},
            task_id=current.task_id,
            trace_id=current.task_id,
        )


def manage(settings: Settings) -> None:
    """Run the fleet until a signal ends it, or the server refuses it.

    Raises:
        TurnedAway, AgentFailed: if the server refuses the fleet for good.
        SystemExit: if address or key cannot be right.
    """
    try:
        agent = Agent(
            settings.url,
            settings.key,
            "demo-manager",
            "manager",
            name="Librarian",
            block_timeout=None,
        )
    except ValueError as error:
        raise SystemExit(f"The demo fleet cannot start: {error}") from None
    crew = Crew(settings.workers, settings.pace)
    vitals = Vitals(agent)
    try:
        Manager(agent, crew, settings).run()
    finally:
        vitals.stop()
        crew.stop()
        agent.close(CLOSE_S)
