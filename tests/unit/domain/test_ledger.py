"""The books balance through every append, drain and loss of the log, and show what vanished."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.domain.batch import counted_again, plan, without
from app.domain.ledger import balance
from tests.unit.domain.log_model import EMPTY, LogModel, is_drained, record, run


class Books(RuleBasedStateMachine):
    """One partition: its row in PostgreSQL, its log, and what Redis has on its disk."""

    def __init__(self) -> None:
        super().__init__()
        self.state = EMPTY
        self.log = LogModel()
        self.disk = self.log.saved()
        self.stored: set[str] = set()
        self.ids = count(1)
        self.lost_its_last_second = False
        self.told = (0, 0)

    @rule(new=st.integers(0, 4), repeated=st.integers(0, 2), recent=st.integers(0, 3))
    def append(self, new: int, repeated: int, recent: int) -> None:
        """New events, some that only PostgreSQL knows again, and some that the log knows."""
        ids = [f"e{next(self.ids)}" for _ in range(new)] + sorted(self.stored)[:repeated]
        self.log.duplicates += recent
        if ids:
            self.log.append(run([record(each) for each in ids]))

    @rule(chunks=st.integers(1, 3), poisoned=st.booleans())
    def drain(self, chunks: int, poisoned: bool) -> None:
        waiting = [c for c in self.log.chunks if not is_drained(c, self.state)][:chunks]
        made = plan(self.state, waiting, lambda row: row.event.id in self.stored)
        if poisoned and made.rows:
            made = without(made, len(made.rows) // 2)
        self.state = made.state
        self.stored |= {row.event.id for row in made.rows}
        if waiting:
            self.lost_its_last_second = False

    @rule()
    def sweep(self) -> None:
        self.state = counted_again(self.state, self.log.generation, self.log.duplicates)
        self.told = (self.state.accepted_before, self.state.duplicates)

    @rule()
    def trim(self) -> None:
        self.log.finish(self.state)

    @rule()
    def write_to_disk(self) -> None:
        self.disk = self.log.saved()

    @precondition(lambda self: self.disk.generation == self.log.generation)
    @rule()
    def restart_without_the_last_second(self) -> None:
        self.log = self.disk.saved()
        self.lost_its_last_second = True

    @rule()
    def restart_empty(self) -> None:
        self.log.come_back_empty()
        self.lost_its_last_second = False

    @invariant()
    def the_books_balance(self) -> None:
        entry = balance(self.state, self.log.depth())
        assert entry.balanced, entry
        assert entry.stored == len(self.stored)
        assert entry.accepted >= self.told[0]
        assert entry.duplicates >= self.told[1]
        waiting = sum(c.count for c in self.log.chunks if not is_drained(c, self.state))
        # Until the next drain, what came after the loss takes the place of what was lost.
        assert entry.queued == waiting or (self.lost_its_last_second and entry.queued < waiting)


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=60, stateful_step_count=25)


def test_an_event_that_vanished_from_the_log_shows() -> None:
    log = LogModel()
    for event_id in ("e1", "e2", "e3"):
        log.append(run([record(event_id)]))
    state = plan(EMPTY, log.chunks[:1]).state
    assert balance(state, log.depth()).balanced
    del log.chunks[1]
    state = plan(state, log.chunks).state
    assert not balance(state, log.depth()).balanced


def test_what_the_log_knew_again_outlives_the_log() -> None:
    log = LogModel(duplicates=5)
    log.append(run([record("e1")]))
    state = plan(EMPTY, log.chunks).state
    log.duplicates = 7
    state = counted_again(state, log.generation, log.duplicates)
    assert counted_again(state, log.generation, log.duplicates) == state
    log.come_back_empty()
    log.duplicates = 2
    entry = balance(state, log.depth())
    assert (entry.accepted, entry.duplicates, entry.balanced) == (10, 9, True)
    log.append(run([record("e2")]))
    state = plan(state, log.chunks).state
    entry = balance(state, log.depth())
    assert (entry.accepted, entry.duplicates, entry.balanced) == (11, 9, True)


def test_a_row_older_than_the_log_is_noticed() -> None:
    log = LogModel()
    for event_id in ("e1", "e2", "e3"):
        log.append(run([record(event_id)]))
    early = plan(EMPTY, log.chunks[:1]).state
    late = plan(early, log.chunks[1:2])
    assert late.vanished == 0
    log.finish(late.state)
    assert plan(late.state, log.chunks).vanished == 0
    assert plan(early, log.chunks).vanished == 1


def test_an_event_that_vanished_from_postgresql_shows() -> None:
    log = LogModel()
    log.append(run([record("e1"), record("e2")]))
    state = plan(EMPTY, log.chunks).state
    assert not balance(replace(state, stored=1), log.depth()).balanced


def test_an_entry_says_what_became_of_everything() -> None:
    log = LogModel(duplicates=2)
    log.append(run([record("e1"), record("e1"), record("e2"), record("e3")]))
    state = without(plan(EMPTY, log.chunks), 0).state
    log.append(run([record("e4")]))
    entry = balance(state, log.depth())
    assert (entry.partition, entry.accepted, entry.stored) == (3, 7, 2)
    assert (entry.duplicates, entry.queued, entry.dead, entry.balanced) == (3, 1, 1, True)
