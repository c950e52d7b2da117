"""Memory and spill file together: nothing is lost or overtaken, also across restarts."""

from __future__ import annotations

import json
import os
import resource
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from telltale_client.buffer import Buffer, Entry, Offer
from telltale_client.errors import SpillUnusable
from telltale_client.frames import Limits
from telltale_client.outbox import Outbox
from telltale_client.spill import SpillFile
from telltale_client.window import Window

ROOM = 4000


def entry(name: str, size: int = 0, *, droppable: bool = False) -> Entry:
    kind = "agent.metric" if droppable else "tool.called"
    payload = json.dumps({"id": name, "type": kind, "severity": "info", "pad": "x" * size})
    return Entry(name, payload.encode(), droppable)


def outbox_on(path: Path, *, room: int = ROOM, events: int = 4) -> Outbox:
    return Outbox(Buffer(events, 100_000), Window(3, 100_000), SpillFile(path, "a", room))


def drain(outbox: Outbox) -> list[str]:
    """Store everything, as a good server would; returns the ids in the order of arrival."""
    stored: list[str] = []
    outbox.open(outbox.window.first - 1, 0, Limits(events_per_frame=3))
    while (batch := outbox.next_batch(0.0)) is not None:
        stored += [json.loads(payload)["id"] for payload in batch.payloads]
        last = batch.seq + len(batch.payloads) - 1
        outbox.ack(last, last, 0.0)
    return stored


class Lives(RuleBasedStateMachine):
    """A process that emits, sends, is restarted in order or killed; its spill file stays."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "spill"
        self.outbox = outbox_on(self.path)
        self.outbox.open(0, 0, Limits(events_per_frame=3))
        self.sent = 0
        self.count = 0
        self.kept: list[str] = []
        self.dropped: set[str] = set()
        self.may_be_lost: set[str] = set()
        self.stored: list[str] = []

    @rule(size=st.integers(0, 700), droppable=st.booleans())
    def emit(self, size: int, droppable: bool) -> None:
        self.count += 1
        name = str(self.count)
        before = self._in_memory()
        offer = self.outbox.put(entry(name, size, droppable=droppable))
        assert (offer is Offer.DROPPED) <= droppable
        if offer is Offer.KEPT:
            self.kept.append(name)
        self.dropped |= before - self._in_memory()

    @rule()
    def send(self) -> None:
        batch = self.outbox.next_batch(0.0)
        if batch is not None:
            self.sent = batch.seq + len(batch.payloads) - 1

    @rule(count=st.integers(1, 4))
    def store(self, count: int) -> None:
        window = self.outbox.window
        upto = min(window.first - 1 + count, self.sent)
        fresh = list(window)[: max(0, upto - window.first + 1)]
        self.stored += [one.id for one in fresh if one.id not in self.stored]
        self.outbox.ack(upto, upto, 0.0)

    @rule()
    def restart(self) -> None:
        assert self.outbox.put_away() == 0
        self._begin()

    @rule()
    def kill(self) -> None:
        """Memory is gone, but for what the file still holds."""
        assert self.outbox.spill is not None
        self.may_be_lost |= self._in_memory()
        self.outbox.spill.abandon()
        self._begin()

    def _begin(self) -> None:
        self.outbox = outbox_on(self.path)
        self.outbox.open(0, 0, Limits(events_per_frame=3))
        self.sent = 0

    def _in_memory(self) -> set[str]:
        return {one.id for one in [*self.outbox.window, *self.outbox.buffer]}

    @invariant()
    def is_bounded(self) -> None:
        assert self.outbox.buffer.events <= 4
        # A restart may add what was in memory: four events.
        assert self.path.stat().st_size <= ROOM + 4 * 1000

    def teardown(self) -> None:
        arrived = [*self.stored, *drain(self.outbox)]
        once = list(dict.fromkeys(arrived))
        gone = self.dropped | self.may_be_lost
        expected = [name for name in self.kept if name in once or name not in gone]
        assert once == expected
        assert self.outbox.put_away() == 0
        assert not self.path.exists()
        shutil.rmtree(self.folder)


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)


def test_what_does_not_fit_goes_through_the_file_in_order(tmp_path: Path) -> None:
    outbox = outbox_on(tmp_path / "s", room=100_000)
    names = [str(number) for number in range(200)]
    for name in names:
        assert outbox.put(entry(name)) is Offer.KEPT
    assert outbox.spilled == 196
    assert outbox.pending == 200
    assert drain(outbox) == names
    assert outbox.pending == 0
    assert outbox.put_away() == 0
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_emptied_once_all_is_stored_and_memory_is_used_again(tmp_path: Path) -> None:
    outbox = outbox_on(tmp_path / "s")
    for round_ in range(50):
        names = [f"{round_}.{number}" for number in range(12)]
        for name in names:
            assert outbox.put(entry(name)) is Offer.KEPT
        assert drain(outbox) == names
    assert (tmp_path / "s").stat().st_size < 100
    outbox.put_away()


def test_a_steady_backlog_does_not_outgrow_the_file(tmp_path: Path) -> None:
    outbox = outbox_on(tmp_path / "s", room=3000)
    outbox.open(0, 0, Limits(events_per_frame=2))
    stored: list[str] = []
    for number in range(600):
        assert outbox.put(entry(str(number), 20)) is Offer.KEPT
        if number < 20:
            continue
        batch = outbox.next_batch(0.0)
        assert batch is not None
        stored += [json.loads(payload)["id"] for payload in batch.payloads]
        outbox.ack(len(stored), len(stored), 0.0)
        if number % 2:  # one in, two out; then one in, none out: the backlog stays
            assert outbox.put(entry(f"{number}+", 20)) is Offer.KEPT
    assert (tmp_path / "s").stat().st_size <= 3000
    outbox.put_away()


def test_a_full_file_refuses_and_drops_only_what_may_go(tmp_path: Path) -> None:
    outbox = outbox_on(tmp_path / "s", room=400)
    offers = [outbox.put(entry(str(number), 50)) for number in range(10)]
    assert offers[:5] == [Offer.KEPT] * 5
    assert offers[-1] is Offer.FULL
    assert outbox.put(entry("m", 50, droppable=True)) is Offer.DROPPED
    assert outbox.buffer.dropped == 1
    outbox.put_away()


def test_a_torn_or_broken_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "s"
    outbox = outbox_on(path, events=1)
    for name in "abc":
        outbox.put(entry(name))
    outbox.put_away()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + b"not json\n" + lines[2] + lines[3][:-9])
    outbox = outbox_on(path)
    assert drain(outbox) == ["a", "b"]
    assert outbox.spill is not None
    assert outbox.spill.broken_lines == 1
    assert outbox.put_away() == 0
    assert not path.exists()


def test_a_file_that_was_cut_from_outside_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "s"
    outbox = outbox_on(path, events=1)
    for name in "abc":
        outbox.put(entry(name))
    os.truncate(path, 120)
    assert drain(outbox) == ["a", "b"]
    assert outbox.pending == 0
    outbox.put_away()


def test_a_spill_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = SpillFile(path, "a", 1000)
    with pytest.raises(SpillUnusable, match="in use"):
        SpillFile(path, "a", 1000)
    first.append(entry("1").payload)
    first.close()
    with pytest.raises(SpillUnusable, match="another agent"):
        SpillFile(path, "b", 1000)
    with pytest.raises(SpillUnusable, match="cannot be used"):
        SpillFile(tmp_path / "no" / "folder", "a", 1000)
    again = SpillFile(path, "a", 1000)
    assert [one.id for one in again.read(10)] == ["1"]
    again.close()


def test_a_disk_without_room_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    outbox = outbox_on(tmp_path / "s", room=100_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        offers = [outbox.put(entry(str(number), 50)) for number in range(12)]
        kept = offers.index(Offer.FULL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert 4 < kept < 12
    assert drain(outbox) == [str(number) for number in range(kept)]
    outbox.put_away()
