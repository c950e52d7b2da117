"""What one connection remembers of the commands that were sent on it."""

from __future__ import annotations

from uuid import uuid4

from app.gateway.told import MAX_ANSWERED, MAX_UNANSWERED, MAX_UNANSWERED_BYTES, Told


def test_a_command_is_sent_once_on_a_connection() -> None:
    told = Told()
    command = uuid4()
    assert told.takes(command, 10)
    assert not told.takes(command, 10)
    told.answered(command)
    told.answered(command)
    assert not told.takes(command, 10)
    assert not told.more


def test_what_is_unanswered_is_bounded_in_number() -> None:
    told = Told()
    sent = [uuid4() for _ in range(MAX_UNANSWERED)]
    assert all(told.takes(command, 0) for command in sent)
    assert not told.takes(uuid4(), 0)
    assert told.more
    told.answered(sent[0])
    assert told.takes(uuid4(), 0)


def test_what_is_unanswered_is_bounded_in_bytes() -> None:
    told = Told()
    large = uuid4()
    assert told.takes(large, 2 * MAX_UNANSWERED_BYTES)
    assert not told.takes(uuid4(), 1)
    told.answered(uuid4())
    told.answered(large)
    assert told.takes(uuid4(), MAX_UNANSWERED_BYTES)


def test_memory_is_bounded() -> None:
    told = Told()
    first = uuid4()
    for command in (first, *(uuid4() for _ in range(MAX_ANSWERED))):
        assert told.takes(command, 1)
        told.answered(command)
    assert told.takes(first, 1)
