"""A viewer's queue: its bounds hold, only events are dropped, the rest keeps its order."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.overflow import POLICIES, BoundedQueue, Gap, NewestPerAgent, Queued, Waiting

policies = st.sampled_from(sorted(POLICIES))
puts = st.builds(
    Queued,
    frame=st.integers(0, 40).map(bytes),
    events=st.integers(0, 5),
    subscription=st.sampled_from(["live", "tail"]),
)
taken = st.none()


def queue_of(
    policy: str, *, max_events: int = 10, max_bytes: int = 100, seed: int = 0
) -> BoundedQueue:
    return BoundedQueue(
        max_events=max_events, max_bytes=max_bytes, policy=policy, random=Random(seed)
    )


def frame(name: bytes, events: int = 1) -> Queued:
    return Queued(name, events, "live")


def drain(queue: BoundedQueue) -> list[Queued]:
    return [kept for kept in everything(queue) if isinstance(kept, Queued)]


def everything(queue: BoundedQueue) -> list[Waiting]:
    return [queue.get() for _ in range(len(queue))]


@given(policies, st.lists(puts | taken, max_size=40), st.integers(0, 3))
def test_the_queue_is_the_frames_that_came_without_those_that_were_dropped(
    policy: str, steps: list[Queued | None], seed: int
) -> None:
    queue = queue_of(policy, seed=seed)
    waiting: list[Queued] = []
    for queued in steps:
        if queued is None:
            if waiting:
                first = queue.get()
                while isinstance(first, Gap):
                    first = queue.get()
                assert first is waiting.pop(0)
        else:
            waiting.append(queued)
            dropped = queue.put(queued)
            assert all(gone.droppable for gone in dropped)
            waiting = [kept for kept in waiting if not any(kept is gone for gone in dropped)]
            # Nothing is dropped without need: with the last one back, a bound would be broken.
            if dropped:
                assert queue.events + dropped[-1].events > 10 or (
                    queue.bytes + len(dropped[-1].frame) > 100
                )
        assert queue.events == sum(kept.events for kept in waiting)
        assert queue.bytes == sum(len(kept.frame) for kept in waiting)
        assert queue.events <= 10
        # Only what may not be dropped can be over the limit of bytes.
        assert queue.bytes <= 100 or not any(kept.droppable for kept in waiting)
    assert all(got is kept for got, kept in zip(drain(queue), waiting, strict=True))


@pytest.mark.parametrize(
    ("policy", "kept"), [("head", [b"3", b"4", b"5"]), ("tail", [b"1", b"2", b"3"])]
)
def test_head_drops_what_waited_longest_and_tail_what_came_last(
    policy: str, kept: list[bytes]
) -> None:
    queue = queue_of(policy, max_events=3)
    for number in range(1, 6):
        queue.put(frame(b"%d" % number))
    assert [queued.frame for queued in drain(queue)] == kept


def test_random_drops_any_and_the_same_for_the_same_seed() -> None:
    def kept(seed: int) -> list[bytes]:
        queue = queue_of("random", max_events=5, seed=seed)
        for number in range(20):
            queue.put(frame(b"%d" % number))
        return [queued.frame for queued in drain(queue)]

    assert kept(1) == kept(1)
    assert len({tuple(kept(seed)) for seed in range(10)}) > 1


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_a_frame_larger_than_the_queue_goes_itself_and_is_told(policy: str) -> None:
    queue = queue_of(policy, max_bytes=10)
    assert [gone.frame for gone in queue.put(frame(b"x" * 11))] == [b"x" * 11]
    assert everything(queue) == [Gap("live", 1)]
    assert (queue.events, queue.bytes) == (0, 0)


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_how_things_stand_is_never_dropped(policy: str) -> None:
    queue = queue_of(policy, max_events=1)
    queue.put(frame(b"state", events=0))
    for number in range(5):
        queue.put(frame(b"%d" % number))
    assert drain(queue)[0].frame == b"state"


def test_what_waits_for_an_ended_subscription_is_let_go_of() -> None:
    queue = queue_of("head", max_events=2)
    for name in ("live", "tail", "live", "tail"):
        queue.put(Queued(name.encode(), 1, name))
    queue.forget("live")
    assert [waiting.subscription for waiting in everything(queue)] == ["tail", "tail"]
    assert (queue.events, queue.bytes) == (0, 0)


def test_an_empty_queue_gives_nothing() -> None:
    with pytest.raises(IndexError):
        queue_of("head").get()


@given(policies, st.lists(puts | taken, max_size=40), st.integers(0, 3))
def test_whoever_reads_hears_of_what_was_dropped_before_anything_that_came_later(
    policy: str, steps: list[Queued | None], seed: int
) -> None:
    queue = queue_of(policy, seed=seed)
    came: dict[str, list[Queued]] = {"live": [], "tail": []}
    read: dict[str, list[Waiting]] = {"live": [], "tail": []}
    for queued in steps:
        if queued is not None:
            came[queued.subscription].append(queued)
            queue.put(queued)
        elif len(queue):
            got = queue.get()
            read[got.subscription].append(got)
    for got in everything(queue):
        read[got.subscription].append(got)
    for name, waiting in read.items():
        due = list(came[name])
        missing = told = 0
        for got in waiting:
            if isinstance(got, Gap):
                told += got.dropped
                continue
            while due[0] is not got:
                missing += due.pop(0).events
            due.pop(0)
            assert missing <= told
        assert missing + sum(gone.events for gone in due) == told


def test_only_the_newest_of_each_agent_waits() -> None:
    newest: NewestPerAgent[str] = NewestPerAgent()
    for agent, item in (("a", "a1"), ("b", "b1"), ("a", "a2 is longer")):
        newest.put(agent, item, len(item))
    assert newest.bytes == len("b1") + len("a2 is longer")
    assert newest.take() == (["b1", "a2 is longer"], 0)
    assert (len(newest), newest.bytes) == (0, 0)


def test_the_agent_that_was_silent_longest_goes_first() -> None:
    newest: NewestPerAgent[str] = NewestPerAgent()
    for agent in ("a", "b", "c", "a"):
        newest.put(agent, agent, 10)
    newest.drop_oldest()
    assert newest.bytes == 20
    assert newest.take() == (["c", "a"], 1)
    assert newest.take() == ([], 0)
