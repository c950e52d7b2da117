"""The buffer: never over its bounds, in order, and only debug logs and metrics go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from telltale_client.buffer import Buffer, Entry, Offer

steps = st.lists(
    st.tuples(st.just("offer"), st.booleans(), st.integers(1, 40))
    | st.tuples(st.sampled_from(["take", "release"]), st.just(False), st.just(0)),
    max_size=120,
)


@given(steps, st.integers(1, 8), st.integers(1, 100))
def test_against_a_list(
    script: list[tuple[str, bool, int]], max_events: int, max_bytes: int
) -> None:
    buffer = Buffer(max_events, max_bytes)
    waiting: list[Entry] = []
    taken: list[Entry] = []
    dropped = 0
    for number, (step, droppable, size) in enumerate(script):
        if step == "take":
            entry = buffer.take()
            assert entry is (waiting.pop(0) if waiting else None)
            taken += [entry] if entry else []
        elif step == "release" and taken:
            buffer.release(taken.pop(0))
        elif step == "offer":
            entry = Entry(str(number), b"x" * size, droppable)
            offer = buffer.offer(entry)
            kept = list(buffer)
            gone = [old for old in waiting if old not in kept]
            dropped += len(gone) + (offer is Offer.DROPPED)
            # Only droppable ones go, the oldest first, and only as many as were needed.
            assert all(old.droppable for old in gone)
            assert gone == [old for old in waiting if old.droppable][: len(gone)]
            waiting = [old for old in waiting if old in kept]
            if offer is Offer.KEPT:
                waiting.append(entry)
            else:
                assert not gone
                assert (offer is Offer.DROPPED) == droppable
        held = waiting + taken
        assert list(buffer) == waiting
        assert buffer.waiting == len(waiting)
        assert buffer.events == len(held) <= max_events
        assert buffer.bytes == sum(len(entry.payload) for entry in held)
        assert buffer.bytes <= max_bytes or len(held) == 1
        assert buffer.dropped == dropped


def test_the_oldest_metric_makes_room_for_anything() -> None:
    buffer = Buffer(3, 1000)
    first, second = Entry("1", b"m", True), Entry("2", b"m", True)
    important = [Entry("3", b"i", False), Entry("4", b"i", False), Entry("5", b"i", False)]
    for entry in (first, important[0], second):
        assert buffer.offer(entry) is Offer.KEPT
    assert buffer.offer(important[1]) is Offer.KEPT
    assert list(buffer) == [important[0], second, important[1]]
    assert buffer.offer(important[2]) is Offer.KEPT
    assert list(buffer) == important
    assert buffer.offer(Entry("6", b"i", False)) is Offer.FULL
    assert buffer.offer(Entry("7", b"m", True)) is Offer.DROPPED
    assert buffer.dropped == 3


def test_a_take_respects_the_size() -> None:
    buffer = Buffer(3, 1000)
    buffer.offer(Entry("1", b"xxxx", False))
    assert buffer.take(3) is None
    assert buffer.take(4) is not None
