"""The manager: asks a question a round, hands the modules out, and sums up what came back.

Tasks are created over REST; what becomes of them, manager and workers report as events.
"""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import replace

from telltale_client import Agent

from demo.catalogue import Module, rounds, standard_library
from demo.crew import Crew, Died, Done
from demo.messages import Assignment, Outcome
from demo.moves import Moves
from demo.names import MANAGER, MANAGER_NAME, worker_id
from demo.office import Office
from demo.questions import QUESTIONS
from demo.round import Round
from demo.settings import Settings
from demo.vitals import Vitals

BUDGET_MS = 80.0
SECOND_BUDGET_MS = 600.0
REPORT_EVERY = 5
CALL_OFF_EVERY = 16
REST_S = 3.0
STEP_S = 0.5
CLOSE_S = 0.5


class Manager:
    """One agent with the role manager. `run` returns only by an exception."""

    def __init__(self, agent: Agent, office: Office, crew: Crew, settings: Settings) -> None:
        self._agent = agent
        self._office = office
        self._crew = crew
        self._moves = Moves(agent, office, settings.pace)
        self._settings = settings
        self._waiting: deque[Assignment] = deque()

    def run(self) -> None:
        """Round after round.

        Raises:
            TurnedAway, AgentFailed, ApiError: if the server refuses the fleet for good.
        """
        self._office.open(self._settings.workers)
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
        given = {"question": question.title, "modules": len(modules)}
        task_id = self._office.create(title, MANAGER, input=given)
        current = Round(task_id, title, question, len(modules))
        self._tell(current, "task.started")
        self._agent.status("coordinating", title, task_id=current.task_id)
        for module in modules:
            self._waiting.append(_assignment(current, index, module))
        while self._waiting or self._crew.at_work():
            self._step(current)
        self._agent.status("summing_up", title, task_id=current.task_id)
        self._tell(current, "task.completed", progress=1.0, result=current.result())
        self._agent.log(current.summary(), task_id=current.task_id, trace_id=current.task_id)
        self._rest()

    def _step(self, current: Round) -> None:
        """Hand out what can be handed out, and take in what comes back."""
        self._crew.start_missing()
        self._moves.make(self._crew.at_work())
        for number in self._crew.idle():
            if self._waiting:
                self._hand_out(current, number, self._waiting.popleft())
        for event in self._crew.events(STEP_S):
            match event:
                case Done():
                    self._take(current, event.outcome)
                case Died():
                    self._mourn(current, event)

    def _hand_out(self, current: Round, number: int, task: Assignment) -> None:
        given = {"module": task.module, "budget_ms": task.budget_ms}
        agent_id = worker_id(number)
        task_id = self._office.create(task.title, agent_id, parent_id=current.task_id, input=given)
        current.created += 1
        if current.created % CALL_OFF_EVERY == 0:
            # Before anybody has begun, the server's word is enough.
            self._office.call_off(task_id, f"{task.module} can wait for another round.")
            self._count(current, task, Outcome(task_id, called_off=True))
            return
        task = replace(task, task_id=task_id)
        current.assigned[task_id] = task
        self._crew.assign(number, task)

    def _take(self, current: Round, outcome: Outcome) -> None:
        task = current.assigned.pop(outcome.task_id)
        if outcome.may_retry and task.budget_ms < SECOND_BUDGET_MS:
            self._again(task, f"{task.module} gets more time: {outcome.error}", SECOND_BUDGET_MS)
            return
        self._count(current, task, outcome)

    def _count(self, current: Round, task: Assignment, outcome: Outcome) -> None:
        current.take(task.module, outcome)
        if current.done % REPORT_EVERY == 0:
            share = round(current.done / current.size, 2)
            self._tell(current, "task.progress", progress=share)

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
        self._waiting.append(replace(task, budget_ms=budget_ms))

    def _rest(self) -> None:
        until = time.monotonic() + REST_S * self._settings.pace
        while (rest := until - time.monotonic()) > 0:
            self._moves.make([])
            for event in self._crew.events(min(rest, STEP_S)):
                if isinstance(event, Died):
                    self._agent.log(f"Worker {event.number} died ({event.how}).", "error")

    def _tell(self, current: Round, type_: str, **data: object) -> None:
        self._agent.emit(
            type_,
            {"title": current.title, **data},
            task_id=current.task_id,
            trace_id=current.task_id,
        )


def _assignment(current: Round, question: int, module: Module) -> Assignment:
    return Assignment(
        task_id="",  # it gets one when it is handed out
        round_id=current.task_id,
        title=f"{module.name}: {current.question.title}",
        module=module.name,
        path=module.path,
        question=question,
        budget_ms=BUDGET_MS,
    )


def manage(settings: Settings) -> None:
    """Run the fleet until a signal ends it, or the server refuses it.

    Raises:
        TurnedAway, AgentFailed, ApiError: if the server refuses the fleet for good.
        SystemExit: if address or key cannot be right.
    """
    try:
        office = Office(settings.url, settings.key)
        agent = Agent(
            settings.url,
            settings.key,
            MANAGER,
            "manager",
            name=MANAGER_NAME,
            block_timeout=None,
        )
    except ValueError as error:
        raise SystemExit(f"The demo fleet cannot start: {error}") from None
    crew = Crew(settings.workers, settings.pace)
    vitals = Vitals(agent)
    try:
        Manager(agent, office, crew, settings).run()
    finally:
        vitals.stop()
        crew.stop()
        agent.close(CLOSE_S)
