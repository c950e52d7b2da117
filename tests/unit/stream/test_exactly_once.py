"""Whatever is lost, late, doubled or cut off: a viewer sees every event once, in order.

A writer commits and publishes. Publishes to two processes get lost, come twice, late or in parts.
Viewers look on with a snapshot or a cursor, on either process, through any interleaving of its
tasks; they are cut off at any frame and resume, on a process that may lag. At every moment each
viewer has seen exactly what lies between its snapshot and its cursor, and when things have come to
rest, everything.
"""

from __future__ import annotations

from itertools import cycle, islice

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.stream.history import KINDS, PARTITIONS, Batch, History
from tests.unit.stream.process import Process
from tests.unit.stream.viewer import Viewer

PROCESSES = 2
FILTERS = (frozenset(range(KINDS)), frozenset({0}))
REST_ROUNDS, REST_STEPS = 12, 40

which_process = st.integers(0, PROCESSES - 1)
which_viewer = st.integers(0, len(FILTERS) - 1)
fates = st.tuples(*[st.sampled_from(["arrives", "arrives", "later", "lost", "twice"])] * PROCESSES)
Pace = tuple[bytes, int]
paces = st.tuples(st.binary(min_size=1, max_size=12), st.sampled_from([0, 6, 24, 96]))
"""Who goes on next, as how far it is from taking turns, and how many steps all take together."""


class Stream(RuleBasedStateMachine):
    """Two processes, a viewer for everything and one with a filter."""

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self.epochs = 1
        self.processes = [Process(self.history) for _ in range(PROCESSES)]
        self.late: list[list[Batch]] = [[] for _ in range(PROCESSES)]
        self.viewers = [Viewer(wanted) for wanted in FILTERS]
        for viewer, process in zip(self.viewers, self.processes, strict=True):
            viewer.connect(process)

    @rule(
        partition=st.integers(0, PARTITIONS - 1),
        kinds=st.lists(st.integers(0, KINDS - 1), min_size=1, max_size=4),
        cut=st.integers(0, 4),
        first_fates=fates,
        second_fates=fates,
        pace=paces,
    )
    def commit(
        self,
        partition: int,
        kinds: list[int],
        cut: int,
        first_fates: tuple[str, ...],
        second_fates: tuple[str, ...],
        pace: Pace,
    ) -> None:
        """Events are stored and published to every process, at once or in two parts."""
        whole = self.history.commit(partition, kinds)
        for batch, fate_of in zip(parts(whole, cut), (first_fates, second_fates), strict=False):
            for process, late, fate in zip(self.processes, self.late, fate_of, strict=True):
                if fate in {"arrives", "twice"}:
                    process.inbox.append(batch)
                if fate in {"later", "twice"}:
                    # It comes once more in other parts than the first time.
                    late.append(whole)
        self.go_on(pace)

    @precondition(lambda self: any(self.late))
    @rule(place=st.integers(0, 7), pace=paces)
    def publish_arrives_late(self, place: int, pace: Pace) -> None:
        for process, late in zip(self.processes, self.late, strict=True):
            if late:
                process.inbox.append(late.pop(place % len(late)))
        self.go_on(pace)

    @rule(process=which_process, pace=paces)
    def tell_heads(self, process: int, pace: Pace) -> None:
        self.processes[process].tell_heads()
        self.go_on(pace)

    @rule(viewer=which_viewer, where=st.sampled_from([0, 1, 0, 1, None]), pace=paces)
    def subscribe(self, viewer: int, where: int | None, pace: Pace) -> None:
        """A viewer is cut off and resumes somewhere, or subscribes anew on the same socket."""
        chosen = self.viewers[viewer]
        if where is None and chosen.connected:
            chosen.subscribe_again()
            return
        chosen.disconnect()
        self.go_on(pace)
        process = self.processes[where or 0]
        if process.epoch == self.history.epoch:
            chosen.connect(process)

    @rule(
        process=which_process,
        what=st.sampled_from(["forget", "forget", "restart", "restore"]),
        pace=paces,
    )
    def mishap(self, process: int, what: str, pace: Pace) -> None:
        """Old events are dropped, a process starts anew, or PostgreSQL is an older one."""
        if what == "forget":
            self.forget()
        elif what == "restore":
            self.restore()
        else:
            self.processes[process].hang_up()
            self.processes[process] = Process(self.history)
        self.go_on(pace)

    def go_on(self, pace: Pace) -> None:
        """The tasks of the processes take steps, and the viewers frames."""
        schedule, steps = pace
        actors = PROCESSES + len(self.viewers)
        for turn, choice in enumerate(islice(cycle(schedule), steps)):
            actor = (turn + choice) % actors
            if actor < PROCESSES:
                task = (turn + choice) // actors
                self.processes[actor].step(task, patient=choice < 128)
            else:
                self.viewers[actor - PROCESSES].receive(1)

    def forget(self) -> None:
        """Retention takes all that no process still has to read."""
        if not any(process.reads_history for process in self.processes):
            for partition in range(PARTITIONS):
                known = min(process.heads[partition] for process in self.processes)
                known = min(known, len(self.history.events[partition]))
                self.history.kept_from[partition] = known + 1

    def restore(self) -> None:
        """PostgreSQL comes back from a backup, without its newest events, in another epoch."""
        self.epochs += 1
        restored = History(f"epoch-{self.epochs}")
        for partition, events in enumerate(self.history.events):
            restored.events[partition] = events[: len(events) // 2]
        self.history = restored
        for process in self.processes:
            process.history = restored
            process.hang_up()

    @invariant()
    def every_viewer_has_seen_all_up_to_its_cursor_once_and_in_order(self) -> None:
        for viewer in self.viewers:
            viewer.check(self.history)

    def teardown(self) -> None:
        """Whatever was lost on the way, everybody sees everything in the end."""
        self.come_to_rest()
        for number, viewer in enumerate(self.viewers):
            if not viewer.connected:
                viewer.connect(self.processes[number])
        self.come_to_rest()
        for process, late in zip(self.processes, self.late, strict=True):
            process.inbox += late
        self.come_to_rest()
        for viewer in self.viewers:
            assert viewer.live
            assert viewer.cursor == self.history.heads()

    def come_to_rest(self) -> None:
        for _ in range(REST_ROUNDS):
            for process in self.processes:
                for number in range(REST_STEPS):
                    process.step(number, patient=True)
                process.tell_heads()
            for viewer in self.viewers:
                viewer.receive(10_000)
                viewer.check(self.history)
        for process in self.processes:
            assert process.cursor() == self.history.heads()
            assert not process.inbox


def parts(batch: Batch, cut: int) -> list[Batch]:
    """The batch in one or two messages, contiguous."""
    first, second = batch.items[:cut], batch.items[cut:]
    if not first or not second:
        return [batch]
    seam = batch.first + len(first)
    return [
        batch._replace(last=seam - 1, items=first),
        batch._replace(first=seam, items=second),
    ]


TestStream = Stream.TestCase
TestStream.settings = settings(max_examples=150, stateful_step_count=30)
