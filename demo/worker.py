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
from demo.questions import QUESTIONS
from demo.reading import Unreadable, measure, parse, read_source
from demo.timebox import TimeBox, TimeBoxExceeded
from demo.vitals import Vitals

STEP_S = (0.3, 1.5)
CLOSE_S = 0.8


class Worker:
    """One agent. Ends when the manager is gone, at a pause or between assignments."""

    def __init__(self, agent: Agent, pace: float, inbox: Lines) -> None:
        self._agent = agent
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
        self._agent.status("working", task.module, task_id=task.task_id)
        self._pause()
        emit("task.started", {"title": task.title})
        self._pause()
        try:
            outcome = self._read(task, emit)
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

        self._pause()
        lines = source.count("\n")
        emit("tool.called", {"tool": "ast.parse", "lines": lines})
        began = time.perf_counter()
        tree = parse(source, box)
        emit("tool.returned", {"tool": "ast.parse", "duration_ms": _since(began)})

        self._pause()
        emit("task.progress", {"title": task.title, "done": 2, "of": 3})

        self._pause()
        finding = measure(question, tree, box)
        where = f" ({finding.where})" if finding.where else ""
        self._agent.log(
            f"{task.module}: {finding.value:g} {question.unit}{where}",
            task_id=task.task_id,
            trace_id=task.round_id,
        )
        self._pause()
        emit(
            "task.completed",
            {
                "title": task.title,
                "value": finding.value,
                "unit": question.unit,
                "where": finding.where,
                "lines": lines,
                "cpu_ms": round(box.spent_ms, 1),
            },
        )
        return Outcome(task.task_id, finding.value, finding.where)

    def _emitter(self, task: Assignment) -> Callable[..., str]:
        def emit(type_: str, data: dict[str, Any], **fields: Any) -> str:
            return self._agent.emit(
                type_, data, task_id=task.task_id, trace_id=task.round_id, **fields
            )

        return emit

    def _pause(self) -> None:
        """Work at a pace that people can follow. Nothing arrives meanwhile but the end."""
        if self._inbox.wait(self._draw.uniform(*STEP_S) * self._pace):
            raise SystemExit(0)


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
    agent = Agent(
        os.environ["TELLTALE_URL"],
        os.environ["TELLTALE_KEY"],
        f"demo-worker-{given.number}",
        name=f"Reader {given.number}",
        block_timeout=None,
    )
    vitals = Vitals(agent, parent=os.getppid())
    try:
        Worker(agent, given.pace, Lines(sys.stdin.fileno())).run()
    except AgentFailed as error:
        print(error, file=sys.stderr)
        return TURNED_AWAY
    finally:
        vitals.stop()
        agent.close(CLOSE_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
