"""Committed plans as messages: contiguous, each small enough, told once."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backplane.messages import Batch, Batches, decode, encode
from app.backplane.publish import MAX_MESSAGE_BYTES, messages, stored_record
from app.domain.batch import Plan, plan
from app.domain.event import MAX_DATA_BYTES, StoredEvent, encode_event
from tests.unit.domain.door import come_in, item_with_data
from tests.unit.domain.json_documents import objects, storable, written
from tests.unit.domain.log_model import EMPTY, PROJECT, LogModel, record, run

OTHER = PROJECT[:-1] + "2"
LARGE = MAX_DATA_BYTES - 8


def planned(sizes: list[int], partition: int = 3) -> Plan:
    """A plan from head 100 on, with an event of so many bytes of data for each size."""
    log = LogModel()
    for number, size in enumerate(sizes, start=1):
        raw = item_with_data(b'{"a":"%s"}' % (b"x" * size)).replace(b'"e1"', b'"e%d"' % number)
        events = [encode_event(come_in(raw))]
        project = (PROJECT, OTHER)[number % 2]
        log.append(run(events, incarnation=1, last_seq=number, project=project))
    return plan(replace(EMPTY, partition=partition, head=100), log.chunks)


def told(plans: list[Plan]) -> list[Batch]:
    return [batch for message in messages(plans) for batch in message.batches]


def places(batch: Batch) -> list[tuple[int, str, str]]:
    """(offset, project, id) of what a batch holds."""
    found = [
        (msgspec.json.decode(each, type=StoredEvent), project)
        for project, items in batch.items.items()
        for each in items
    ]
    assert {event.partition for event, _ in found} <= {batch.partition}
    return sorted((event.offset, project, event.id) for event, project in found)


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from([0, 1000, LARGE]), max_size=30), max_size=3))
def test_each_plan_is_told_in_contiguous_parts(sizes: list[list[int]]) -> None:
    plans = [planned(each, partition) for partition, each in enumerate(sizes)]
    batches = told(plans)
    for made in plans:
        parts = [batch for batch in batches if batch.partition == made.state.partition]
        for part in parts:
            offsets = [offset for offset, _, _ in places(part)]
            assert offsets == list(range(part.first, part.last + 1))
        assert [place for part in parts for place in places(part)] == [
            (row.offset, row.project, row.event.id) for row in made.rows
        ]
        # Only with the last part is it true that all of it is stored.
        *early, final = parts
        assert all((part.drained, part.cursors) == (0, {}) for part in early)
        assert final.drained == made.state.log_drained
        assert final.cursors == {
            f"{move.project_id}/{move.agent_id}": (move.incarnation, move.seq)
            for move in made.cursors
        }


@settings(max_examples=20)
@given(st.lists(st.lists(st.sampled_from([0, 1000, LARGE]), max_size=30), max_size=3))
def test_messages_are_bounded_and_as_few_as_that_allows(sizes: list[list[int]]) -> None:
    sent = list(messages([planned(each, n) for n, each in enumerate(sizes)]))
    lengths = [len(encode(message)) for message in sent]
    assert all(length < MAX_MESSAGE_BYTES + MAX_DATA_BYTES for length in lengths)
    assert len(sent) <= 1 + 2 * sum(lengths) // MAX_MESSAGE_BYTES
    assert sum(len(message.batches) for message in sent) >= len(sizes)


def test_a_plan_without_a_new_event_still_tells_of_its_sequences() -> None:
    log = LogModel()
    log.append(run([record("e1")], incarnation=1, last_seq=7))
    made = plan(replace(EMPTY, head=100), log.chunks, lambda _: True)
    (only,) = told([made])
    assert (only.first, only.last, only.items) == (101, 100, {})
    assert only.cursors == {f"{PROJECT}/worker-7": (1, 7)}
    assert only.drained == 1


@given(written(objects), st.sampled_from([0, 1, 0.5, 0.876544]))
def test_a_record_with_its_place_is_what_postgresql_would_give_back(
    data: bytes, received_s: float
) -> None:
    if not storable(json.loads(data)):
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
    (sent,) = messages([planned(sizes)])
    read = decode(encode(sent))
    assert isinstance(read, Batches)
    assert encode(read) == encode(sent)


def test_whom_to_call_is_said_once_and_with_the_last_part() -> None:
    made = replace(planned([LARGE] * 40), called=["p/w", "p/v", "p/w"])
    batches = told([made])
    assert len(batches) > 1
    assert [batch.called for batch in batches[:-1]] == [[]] * (len(batches) - 1)
    assert batches[-1].called == ["p/w", "p/v"]
    assert decode(encode(Batches(batches[-1:]))) == Batches(batches[-1:])
