"""The hub's inbox: first in, first out, and never more than its bounds."""

from __future__ import annotations

from app.backplane.inbox import Inbox


def test_messages_come_out_as_they_went_in() -> None:
    inbox = Inbox(max_messages=3, max_bytes=100)
    assert all(inbox.put(message) for message in (b"a", b"b", b"c"))
    assert [inbox.get() for _ in range(3)] == [b"a", b"b", b"c"]
    assert (len(inbox), inbox.bytes) == (0, 0)


def test_there_are_no_more_messages_than_the_bound() -> None:
    inbox = Inbox(max_messages=2, max_bytes=100)
    assert [inbox.put(b"x") for _ in range(3)] == [True, True, False]
    inbox.get()
    assert inbox.put(b"x")


def test_there_are_no_more_bytes_than_the_bound() -> None:
    inbox = Inbox(max_messages=100, max_bytes=10)
    assert inbox.put(b"123456")
    assert not inbox.put(b"12345")
    assert inbox.put(b"1234")
    assert inbox.bytes == 10
    inbox.get()
    assert inbox.put(b"12345")
