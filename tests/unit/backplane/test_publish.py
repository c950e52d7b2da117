"""A committed plan as messages: contiguous, each small enough, told once."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backplane.messages import Batch, decode, encode
from app.backplane.publish import MAX_MESSAGE_BYTES, batches, stored_record
from app.domain.batch import Plan, plan
from app.domain.event import MAX_DATA_BYTES, StoredEvent, encode_event
from tests.unit.domain.door import come_in, item_with_data
from tests.unit.domain.json_documents import objects, written
from tests.unit.domain.log_model import EMPTY, PROJECT, LogModel, record, run

OTHER = PROJECT[:-1] + "2"


def planned(sizes: list[int], projects: list[str]) -> Plan:
    """A plan with one event of so many bytes of data for each size, from head 100 on."""
    log = LogModel()
    for number, size in enumerate(sizes, start=1):
        raw = item_with_data(b'{"a":"%s"}' % (b"x" * size)).replace(b'"e1"', b'"e%d"' % number)
        log.append(
            run(
                [encode_event(come_in(raw))],
                incarnation=1,
                last_seq=number,
                project=projects[number % len(projects)],
            )
        )
    return plan(replace(EMPTY, head=100), log.chunks)


@settings(max_examples=20)
@given(
    st.lists(st.sampled_from([0, 1000, MAX_DATA_BYTES - 8]), max_size=40),
    st.sampled_from([[PROJECT], [PROJECT, OTHER]]),
)
def test_the_messages_are_the_plan_in_contiguous_parts(
    sizes: list[int], projects: list[str]
) -> None:
    made = planned(sizes, projects)
    parts = list(batches(made))
    places = []
    for part in parts:
        assert len(encode(part)) < MAX_MESSAGE_BYTES + 100_000
        found = [
            (event.offset, project, event.id)
            for project, items in part.items.items()
            for event in (msgspec.json.decode(each, type=StoredEvent) for each in items)
        ]
        assert [offset for offset, _, _ in sorted(found)] == list(range(part.first, part.last + 1))
        places += sorted(found)
    assert places == [(row.offset, row.project, row.event.id) for row in made.rows]
    assert [part.drained for part in parts] == [0] * (len(parts) - 1) + [made.state.log_drained]
    moves = {f"{m.project_id}/{m.agent_id}": (m.incarnation, m.seq) for m in made.cursors}
    assert [part.cursors for part in parts] == [{}] * (len(parts) - 1) + [moves]


def test_much_is_told_in_parts() -> None:
    made = planned([MAX_DATA_BYTES - 8] * 40, [PROJECT])
    assert len(list(batches(made))) == 3


def test_a_plan_without_a_new_event_still_tells_of_its_sequences() -> None:
    log = LogModel()
    log.append(run([record("e1")], incarnation=1, last_seq=7))
    made = plan(replace(EMPTY, head=100), log.chunks, lambda _: True)
    (only,) = batches(made)
    assert (only.first, only.last, only.items) == (101, 100, {})
    assert only.cursors == {f"{PROJECT}/worker-7": (1, 7)}
    assert only.drained == 1


@given(written(objects), st.sampled_from([0, 1, 0.5, 0.876544]))
def test_a_record_with_its_place_is_what_postgresql_would_give_back(
    data: bytes, received_s: float
) -> None:
    if b"\\u0000" in data or b"\\ud8" in data:
        return
    log = LogModel()
    log.append(run([encode_event(come_in(item_with_data(data)))], received_s=received_s))
    (row,) = plan(EMPTY, log.chunks).rows
    stored = msgspec.json.decode(stored_record(row), type=StoredEvent)
    assert (stored.partition, stored.offset) == (row.partition, row.offset)
    assert stored.received_at == row.received_at
    assert bytes(stored.data) == data
    # A gap is refilled from rows: a viewer cannot tell which way an event came.
    assert encode_event(stored) == stored_record(row)


@pytest.mark.parametrize("sizes", [[], [10, 20]])
def test_a_message_reads_back_from_the_wire(sizes: list[int]) -> None:
    (sent,) = batches(planned(sizes, [PROJECT, OTHER]))
    read = decode(encode(sent))
    assert isinstance(read, Batch)
    assert encode(read) == encode(sent)
