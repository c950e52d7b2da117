"""A worker: takes assignments from stdin, works on them in visible steps, answers on stdout."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

from telltale_client import Agent, AgentFailed

from demo.catalogue import within_library
from demo.ending import TURNED_AWAY, end_on_signals
from demo.messages import Assignment, Lines, Outcome, encode
from demo.names import worker_id, worker_name
from demo.questions import QUESTIONS
from demo.reading import Unreadable, measure, parse, read_source
from demo.timebox import TimeBox, TimeBoxExceeded
from demo.vitals import Vitals
from demo.wishes import CalledOff, Wishes

STEP_S = (0.3, 1.5)
STEPS = 3
SIGN_OF_LIFE_S = 5.0
CLOSE_S = 0.8


class Worker:
    """One agent. Ends when the manager is gone, at a pause or between assignments."""

    def __init__(self, agent: Agent, wishes: Wishes, pace: float, inbox: Lines) -> None:
        self._agent = agent
        self._wishes = wishes
        self._pace = pace
        self._inbox = inbox
        self._draw = random.Random()

    def run(self) -> None:
        """Work until stdin ends."""
        self._agent.status("idle", "waiting for the manager")
        while not self._inbox.ended:
            self._inbox.wait(None)
            for line in self._inbox.read():
                outcome = self._work(Assignment(**json.loads(line)))
                os.write(sys.stdout.fileno(), encode(outcome))
                if not self._inbox.wait(0.2):
                    self._agent.status("idle", "waiting for the manager")

    def _work(self, task: Assignment) -> Outcome:
        emit = self._emitter(task)
        self._wishes.begin(task.task_id)
        self._agent.status("working", task.module, task_id=task.task_id)
        try:
            self._pause(task)
            emit("task.started", {"title": task.title})
            self._pause(task)
            outcome = self._read(task, emit)
        except CalledOff as why:
            outcome = Outcome(task.task_id, called_off=True)
            emit("task.canceled", {"title": task.title, "note": str(why)}, severity="warning")
        except Unreadable as error:
            outcome = Outcome(task.task_id, error=str(error))
            emit("task.failed", {"title": task.title, "error": str(error)}, severity="error")
        except TimeBoxExceeded as error:
            outcome = Outcome(task.task_id, error=str(error), may_retry=True)
            emit("task.failed", {"title": task.title, "error": str(error)}, severity="warning")
        return outcome

    def _read(self, task: Assignment, emit: Callable[..., str]) -> Outcome:
        box = TimeBox(task.budget_ms)
        question = QUESTIONS[task.question]
        emit("tool.called", {"tool": "read_file", "path": within_library(task.path)})
        began = time.perf_counter()
        source, size = read_source(task.path)
        emit("tool.returned", {"tool": "read_file", "bytes": size, "duration_ms": _since(began)})

        self._pause(task)
        lines = source.count("\n")
        emit("tool.called", {"tool": "ast.parse", "lines": lines})
        began = time.perf_counter()
        tree = parse(source, box)
        emit("tool.returned", {"tool": "ast.parse", "duration_ms": _since(began)})

        self._pause(task)
        emit("task.progress", {"title": task.title, "progress": round(2 / STEPS, 2)})

        self._pause(task)
        finding = measure(question, tree, box)
        where = f" ({finding.where})" if finding.where else ""
        self._agent.log(
            f"{task.module}: {finding.value:g} {question.unit}{where}",
            task_id=task.task_id,
            trace_id=task.round_id,
        )
        self._pause(task)
        emit(
            "task.completed",
            {
                "title": task.title,
                "progress": 1.0,
                "result": {
                    "value": finding.value,
                    "unit": question.unit,
                    "where": finding.where,
                    "lines": lines,
                    "cpu_ms": round(box.spent_ms, 1),
                },
            },
        )
        return Outcome(task.task_id, finding.value, finding.where)

    def _emitter(self, task: Assignment) -> Callable[..., str]:
        def emit(type_: str, data: dict[str, Any], **fields: Any) -> str:
            return self._agent.emit(
                type_, data, task_id=task.task_id, trace_id=task.round_id, **fields
            )

        return emit

    def _pause(self, task: Assignment) -> None:
        """Work at a pace that people can follow. Nothing arrives meanwhile but the end.

        Raises:
            CalledOff: the manager does not want this task any more.
        """
        step_s = self._draw.uniform(*STEP_S) * self._pace * self._wishes.pace
        if self._inbox.wait(step_s):
            raise SystemExit(0)
        if self._agent.paused:
            self._agent.status("paused", "by the manager", task_id=task.task_id)
            while not self._agent.wait_while_paused(SIGN_OF_LIFE_S):
                self._agent.status("paused", "by the manager", task_id=task.task_id)
            self._agent.status("working", task.module, task_id=task.task_id)
        self._wishes.check()


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def main() -> int:
    """Run one worker, as the manager starts it."""
    parser = argparse.ArgumentParser(prog="python -m demo.worker")
    parser.add_argument("number", type=int)
    parser.add_argument("--pace", type=float, default=1.0)
    given = parser.parse_args()
    end_on_signals()
    os.nice(5)  # whatever else this machine does is more important
    wishes = Wishes()
    agent = Agent(
        os.environ["TELLTALE_URL"],
        os.environ["TELLTALE_KEY"],
        worker_id(given.number),
        name=worker_name(given.number),
        block_timeout=None,
        on_cancel=wishes.cancel,
        on_config=wishes.configure,
    )
    vitals = Vitals(agent, parent=os.getppid())
    try:
        Worker(agent, wishes, given.pace, Lines(sys.stdin.fileno())).run()
    except AgentFailed as error:
        print(error, file=sys.stderr)
        return TURNED_AWAY
    finally:
        vitals.stop()
        agent.close(CLOSE_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
