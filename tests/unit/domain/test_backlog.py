"""What waits in a partition, however much of the log is stored, new or unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.backlog import Backlog, backlog
from app.domain.batch import PartitionState
from app.eventlog.log import START, Depth

NOW_S = 20.0
NOTHING = Backlog(False, 0, 0.0)

STATE = PartitionState(0, "epoch", "life", "10000-3", 70, 0, 70, 70, 0, 0, 0)
DEPTH = Depth(
    generation="life",
    logged=100,
    drained=70,
    duplicates=0,
    chunks=2,
    first="12000-0",
    last="15000-0",
    waiting_from=70,
    waiting_to=100,
)
EMPTY = replace(DEPTH, chunks=0, first=START, last=START, waiting_from=None, waiting_to=0)


def test_what_lies_behind_the_position_waits() -> None:
    assert backlog(DEPTH, STATE, NOW_S) == Backlog(True, 30, 8.0)


def test_what_is_stored_but_still_there_does_not() -> None:
    assert backlog(DEPTH, replace(STATE, log_position="15000-0"), NOW_S) == NOTHING
    behind_first = replace(STATE, log_position="12000-0", log_drained=90)
    assert backlog(DEPTH, behind_first, NOW_S) == Backlog(True, 10, 5.0)


def test_all_of_a_new_life_waits() -> None:
    born_again = replace(DEPTH, generation="another", logged=5, drained=0)
    assert backlog(born_again, STATE, NOW_S) == Backlog(True, 5, 8.0)


@pytest.mark.parametrize("state", [STATE, None])
def test_an_empty_log(state: PartitionState | None) -> None:
    assert backlog(EMPTY, state, NOW_S) == NOTHING


def test_without_postgres_the_log_counts_alone() -> None:
    assert backlog(DEPTH, None, NOW_S) == Backlog(True, 30, 8.0)
    assert backlog(replace(DEPTH, drained=100), None, NOW_S) == NOTHING


def test_a_chunk_of_refused_items_waits_with_no_events() -> None:
    assert backlog(replace(DEPTH, logged=70), STATE, NOW_S) == Backlog(True, 0, 8.0)


def test_a_clock_that_is_behind_makes_no_negative_lag() -> None:
    assert backlog(DEPTH, STATE, 1.0).lag_s == 0.0
