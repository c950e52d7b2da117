"""The plan of a drain: an offset for each new event, and what else the transaction writes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain.batch import PartitionState, Plan, plan
from app.domain.event import encode_event
from app.domain.row import Row
from app.eventlog.log import Chunk
from tests.unit.domain.door import NOW, come_in, item
from tests.unit.domain.log_model import EMPTY, PROJECT, LogModel, record, run

STARTED = replace(EMPTY, head=100, stored=90, duplicates=7, dead=10, accepted_before=107)


@st.composite
def logs(draw: st.DrawFn) -> list[Chunk]:
    """Chunks of some agents' runs, in which ids repeat."""
    log = LogModel()
    for sizes in draw(st.lists(st.lists(st.integers(0, 4), max_size=3), max_size=5)):
        runs = []
        for size in sizes:
            agent = draw(st.sampled_from(["ada", "bob", "eve"]))
            ids = draw(st.lists(st.integers(1, 25), min_size=size, max_size=size))
            # The same id from another agent is the same event: ids are unique in a project.
            runs.append(run([record(f"e{n}", agent) for n in ids], agent))
        log.append(*runs)
    return log.chunks


def placed(made: Plan) -> list[tuple[int, bytes]]:
    return [(row.offset, row.record) for row in made.rows]


def all_records(chunks: list[Chunk]) -> list[bytes]:
    return [each for chunk in chunks for part in chunk.runs for each in part.records]


def id_of(row: Row) -> str:
    return row.event.id


@given(logs(), st.sampled_from([EMPTY, STARTED]))
def test_every_new_event_gets_the_next_offset(chunks: list[Chunk], state: PartitionState) -> None:
    made = plan(state, chunks)
    offsets = [row.offset for row in made.rows]
    assert offsets == list(range(state.head + 1, state.head + 1 + len(made.rows)))
    assert made.state.head == state.head + len(made.rows)
    ids = [id_of(row) for row in made.rows]
    assert len(ids) == len(set(ids))
    assert {row.partition for row in made.rows} <= {state.partition}


@given(logs())
def test_events_keep_the_order_of_the_log_and_so_of_each_agent(chunks: list[Chunk]) -> None:
    records = all_records(chunks)
    first_of: dict[bytes, list[bytes]] = defaultdict(list)
    for each in records:
        first_of[each.split(b'"', 4)[3]].append(each)
    expected = [each for each in records if first_of[each.split(b'"', 4)[3]][0] is each]
    assert [row.record for row in plan(EMPTY, chunks).rows] == expected


@given(logs(), st.sampled_from([EMPTY, STARTED]))
def test_the_books_grow_by_every_event_that_was_read(
    chunks: list[Chunk], state: PartitionState
) -> None:
    after = plan(state, chunks).state
    read = len(all_records(chunks))
    assert after.stored + after.duplicates + after.dead == (
        state.stored + state.duplicates + state.dead + read
    )
    assert after.accepted_before + after.log_drained == (
        state.accepted_before + state.log_drained + read
    )


@given(logs())
def test_the_same_is_planned_again(chunks: list[Chunk]) -> None:
    first, second = plan(STARTED, chunks), plan(STARTED, chunks)
    assert placed(first) == placed(second)
    assert (first.state, first.cursors, first.agents) == (
        second.state,
        second.cursors,
        second.agents,
    )


@given(logs())
def test_what_was_drained_is_skipped(chunks: list[Chunk]) -> None:
    done = plan(EMPTY, chunks)
    again = plan(done.state, chunks)
    assert again == Plan(done.state)


@given(logs(), st.integers(0, 5), st.booleans())
def test_a_log_is_drained_to_the_same_in_one_go_or_in_two(
    chunks: list[Chunk], cut: int, overlapping: bool
) -> None:
    whole = plan(EMPTY, chunks)
    first = plan(EMPTY, chunks[:cut])
    stored = {row.identity for row in first.rows}
    rest = chunks if overlapping else chunks[cut:]
    second = plan(first.state, rest, lambda row: row.identity in stored)
    assert placed(first) + placed(second) == placed(whole)
    assert second.state == whole.state


@given(logs())
def test_an_event_that_is_known_already_is_a_duplicate(chunks: list[Chunk]) -> None:
    made = plan(EMPTY, chunks, lambda row: id_of(row) in {"e1", "e2", "e3"})
    assert not {id_of(row) for row in made.rows} & {"e1", "e2", "e3"}
    assert made.state.duplicates == len(all_records(chunks)) - len(made.rows)


def test_the_same_id_in_two_projects_is_two_events() -> None:
    other = PROJECT[:-1] + "2"
    log = LogModel()
    log.append(run([record("e1")]), run([record("e1")], project=other))
    assert [row.project for row in plan(EMPTY, log.chunks).rows] == [PROJECT, other]


def test_an_event_without_a_time_that_comes_twice_is_one() -> None:
    log = LogModel()
    untimed = encode_event(come_in(item(id="mine"), agent_id="worker-7"))
    again = untimed.replace(b"10:00:00.123456Z", b"10:00:05.123456Z")
    assert again != untimed
    log.append(run([untimed], received_s=0))
    log.append(run([again], received_s=5))
    made = plan(EMPTY, log.chunks)
    assert [row.record for row in made.rows] == [untimed]
    assert made.rows[0].timed_by_us
    assert made.state.duplicates == 1


def test_two_events_of_one_id_with_times_of_their_own_are_two() -> None:
    later = record("e1").replace(b"10:00:00.123456Z", b"10:00:00.500000Z")
    log = LogModel()
    log.append(run([record("e1"), later]))
    assert len(plan(EMPTY, log.chunks).rows) == 2


def test_each_agents_sequence_moves_to_its_newest() -> None:
    log = LogModel()
    log.append(
        run([record("a1", "ada")], "ada", incarnation=5, last_seq=1),
        run([record("b1", "bob")], "bob"),
        run([record("a2", "ada")], "ada", incarnation=6, last_seq=3),
    )
    # A late run of the older incarnation, and one whose items were all refused.
    log.append(
        run([record("a3", "ada")], "ada", incarnation=5, last_seq=9),
        run([], "eve", incarnation=2, last_seq=4),
    )
    moves = plan(EMPTY, log.chunks).cursors
    assert [(move.agent_id, move.incarnation, move.seq) for move in moves] == [
        ("ada", 6, 3),
        ("eve", 2, 4),
    ]


def test_each_agents_row_changes_by_its_new_events_only() -> None:
    log = LogModel()
    log.append(run([record("a1", "ada"), record("a1", "ada")], "ada", received_s=9))
    log.append(run([record("b1", "bob", event_type="agent.heartbeat")], "bob"))
    log.append(run([record("a2", "ada", event_type="tool.called")], "ada", received_s=2))
    ada, bob = plan(EMPTY, log.chunks).agents
    assert (ada.agent_id, ada.events, ada.last_event_type) == ("ada", 2, "tool.called")
    assert (bob.agent_id, bob.events, bob.last_event_type) == ("bob", 1, "agent.heartbeat")
    # Two gateways' clocks differ: an agent was seen when it was seen last.
    assert (ada.seen_at - NOW).total_seconds() == 9
