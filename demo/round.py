"""One round of the manager: what is out, what came back, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass, field

from demo.messages import Assignment, Outcome
from demo.questions import Question


@dataclass(slots=True)
class Round:
    """``size`` modules and one question. The highest number is the result."""

    task_id: str
    title: str
    question: Question
    size: int
    assigned: dict[str, Assignment] = field(default_factory=dict)
    created: int = 0
    done: int = 0
    failed: int = 0
    called_off: int = 0
    total: float = 0.0
    best: float = 0.0
    best_at: str = ""

    def take(self, module: str, outcome: Outcome) -> None:
        """Count what came back for a module."""
        self.done += 1
        if outcome.called_off:
            self.called_off += 1
            return
        if outcome.error:
            self.failed += 1
            return
        self.total += outcome.value
        if not self.best_at or outcome.value > self.best:
            self.best = outcome.value
            self.best_at = f"{module}.{outcome.where}" if outcome.where else module

    def result(self) -> dict[str, object]:
        """The numbers, for the task's last event."""
        return {
            "modules": self.done,
            "failed": self.failed,
            "called_off": self.called_off,
            "unit": self.question.unit,
            "highest": self.best,
            "highest_at": self.best_at,
            "mean": self.mean,
        }

    @property
    def read(self) -> int:
        """How many modules were read."""
        return self.done - self.failed - self.called_off

    @property
    def mean(self) -> float:
        """The mean over the modules that were read."""
        return round(self.total / max(1, self.read), 1)

    def summary(self) -> str:
        """The result in a sentence."""
        return (
            f"{self.question.title} {self.best_at or 'nothing'} with {self.best:g} "
            f"{self.question.unit}; the mean of {self.read} modules is {self.mean:g}, "
            f"{self.failed} could not be read, and {self.called_off} were called off."
        )
