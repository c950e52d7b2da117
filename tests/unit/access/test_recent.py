"""What was found out lately: how long it holds, and how long when nobody can be asked."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from app.access.recent import Recent


class World:
    """A clock, and somebody who is asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.answer: str | None = "known"
        self.away = False
        self.asked = 0
        self.recent: Recent[str | None] = Recent(
            fresh_s=5, grace_s=300, entries=3, clock=lambda: self.now
        )

    def ask(self) -> str | None:
        self.asked += 1
        if self.away:
            raise OperationalError("SELECT", {}, Exception("away"))
        return self.answer

    def get(self, name: str = "key") -> str | None:
        return self.recent.get(name, self.ask)


def test_an_answer_is_asked_for_once_in_five_seconds() -> None:
    world = World()
    assert [world.get(), world.get()] == ["known", "known"]
    world.now = 4.9
    world.get()
    assert world.asked == 1
    world.now, world.answer = 5.0, None
    assert world.get() is None
    assert world.asked == 2


def test_a_good_answer_holds_on_for_a_bounded_while_when_nobody_can_be_asked() -> None:
    world = World()
    world.get()
    world.away = True
    world.now = 299.0
    assert world.get() == "known"
    world.now = 300.0
    with pytest.raises(OperationalError):
        world.get()
    world.away = False
    assert world.get() == "known"


def test_while_nobody_answers_those_who_are_known_do_not_wait_for_it() -> None:
    world = World()
    world.get()
    world.away, world.now = True, 10.0
    for _ in range(5):
        world.get()
    assert world.asked == 2
    world.now = 11.0
    world.get()
    assert world.asked == 3


def test_a_refusal_is_no_reason_to_let_somebody_in() -> None:
    world = World()
    world.answer = None
    assert world.get() is None
    world.away, world.now = True, 6.0
    with pytest.raises(OperationalError):
        world.get()
    with pytest.raises(OperationalError):
        world.get("never seen")


def test_no_more_is_kept_than_is_allowed() -> None:
    world = World()
    for name in "abcd":
        world.get(name)
    world.get("d")
    assert world.asked == 4
    world.get("a")
    assert world.asked == 5
