"""A trial: a stack under load, faults in random order, and an audit after each round."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from launcher.errors import PartFailed
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos import windows
from tests.chaos.audit import Audit
from tests.chaos.diary import Complaints
from tests.chaos.faults import FAULTS
from tests.chaos.load import SETTINGS, Load
from tests.chaos.scene import Scene

RESUME_PROMISE_S = 3.0
"""So soon after a part's return everybody's work goes on, on a machine that has the time for it."""

RESUME_S = 45.0
CALM_S = (0.2, 1.5)
FLOOD_EVENTS = 900
FLOOD_CHANCE = 0.15


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault: how long after the part's return everybody's work went on, and who was last.

    ``pressure`` is the share of that time in which something on this machine waited for a CPU,
    ``load`` how many wanted one in the last minute, for each that there is.
    """

    name: str
    detail: str
    resumed_s: float
    last: str
    pressure: float
    load: float

    def __str__(self) -> str:
        return (
            f"{self.resumed_s:5.2f} s  {self.name} ({self.detail}); last: {self.last or '-'};"
            f" CPU waited for {self.pressure:.0%} of it, load {self.load:.1f}"
        )

    @property
    def late(self) -> bool:
        """Whether the promise was broken: where several share a CPU, all take so much longer."""
        return self.resumed_s > RESUME_PROMISE_S * max(1.0, self.load)


@dataclass(slots=True)
class Report:
    """What came of a trial; ``findings`` is empty if every promise was kept."""

    seed: int
    struck: list[Struck] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    events: int = 0
    changes: str = ""
    """How many of each kind were acknowledged, in words."""
    rounds: int = 0


class Trial:
    """Runs rounds on a stack of its own under ``data``."""

    def __init__(
        self,
        data: Path,
        seed: int,
        tell: Callable[[str], None],
        *,
        names: Iterable[str] = tuple(FAULTS),
        workers: int = 2,
    ) -> None:
        self._stack = Stack(
            data, restart=False, durable=False, webs=2, workers=workers, env=SETTINGS
        )
        self._names = list(names)
        self._tell = tell
        self._random = Random(seed)
        self._workers = ["worker", *(f"worker-{number}" for number in range(2, workers + 1))]
        self._complaints = Complaints()
        self.report = Report(seed)

    def run(self, *, rounds: int, deadline: float = float("inf")) -> Report:
        """Run the rounds, or fewer faults if the monotonic ``deadline`` comes first."""
        with self._stack:
            windows.install(self._stack.database_url)
            load = Load(self._stack, self.report.seed, self._complaints)
            try:
                load.begin()
                for number in range(1, rounds + 1):
                    self._tell(f"round {number} of {rounds}")
                    self._round(load, deadline)
                    self.report.rounds = number
                    if self.report.findings or time.monotonic() > deadline:
                        break
            except PartFailed as failure:
                self.report.findings.append(f"{failure}")
            finally:
                load.end()
        self.report.events = sum(len(diary.made) for diary in load.diaries)
        self.report.changes = load.changes
        return self.report

    def _round(self, load: Load, deadline: float) -> None:
        load.go_on()
        for name in self._random.sample(self._names, len(self._names)):
            if time.monotonic() > deadline:
                self._tell(f"no time left for {name}")
                continue
            time.sleep(self._random.uniform(*CALM_S))
            if self._random.random() < FLOOD_CHANCE:
                self._random.choice(load.agents).flood(FLOOD_EVENTS)
            self._strike(name, load)
        waiting = load.rest_and_settle()
        if waiting:
            self.report.findings.append(f"never settled: {waiting}")
        self.report.findings += self._complaints.all()
        self.report.findings += Audit(self._stack, load).run()
        self._tell(f"audited: {len(self.report.findings)} findings")

    def _strike(self, name: str, load: Load) -> None:
        scene = Scene(self._stack, self._random, ["web", "web-2"], self._workers)
        returned = FAULTS[name](scene)
        waited_us = _cpu_waited_us()
        last: list[str] = []

        def resumed() -> bool:
            waiting = load.waiting_since(returned)
            if waiting:
                last[:] = waiting
            return not waiting

        try:
            wait_until(resumed, timeout_s=RESUME_S, what=lambda: f"{name}: {last} do not go on")
        except PartFailed as failure:
            self.report.findings.append(str(failure))
        resumed_s = time.monotonic() - returned
        pressure = min(1.0, (_cpu_waited_us() - waited_us) / 1e6 / resumed_s)
        load_1m = os.getloadavg()[0] / (os.cpu_count() or 1)
        who = ", ".join(last)
        if resumed_s > RESUME_PROMISE_S:
            who += f" ({load.story(last)})"
        struck = Struck(name, ", ".join(scene.told), resumed_s, who, pressure, load_1m)
        self.report.struck.append(struck)
        self._tell(f"  {struck}")


def _cpu_waited_us() -> int:
    """Microseconds since the boot in which some process waited for a CPU; 0 where nobody counts."""
    try:
        words = Path("/proc/pressure/cpu").read_text().split()
    except OSError:
        return 0
    return int(words[4].removeprefix("total="))
