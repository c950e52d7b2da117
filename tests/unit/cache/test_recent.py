"""What was found out lately: how long it holds, and how long when nobody can be asked."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from app.cache.recent import Found, Recent


class World:
    """A clock, and somebody who is asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.answer: str | None = "known"
        self.away = False
        self.asked = 0
        self.age_s = 0.0
        self.recent: Recent[str | None] = Recent(
            "test", entries=3, fresh_s=5, grace_s=300, clock=lambda: self.now
        )

    def ask(self) -> Found[str | None]:
        self.asked += 1
        if self.away:
            raise OperationalError("SELECT", {}, Exception("away"))
        return Found(self.answer, self.age_s)

    def get(self, name: str = "key") -> str | None:
        return self.recent.get(name, self.ask)


def test_an_answer_is_asked_for_once_in_five_seconds() -> None:
    world = World()
    assert [world.get(), world.get()] == ["known", "known"]
    world.now = 3.9
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


def test_who_was_asked_for_longest_ago_goes_first() -> None:
    world = World()
    for name in "abcad":
        world.get(name)
    world.get("a")
    assert world.asked == 4
    world.get("b")
    assert world.asked == 5


def test_an_answer_that_was_old_when_it_was_found_holds_for_the_rest_of_its_time() -> None:
    world = World()
    world.age_s = 2.0
    world.get()
    world.now = 1.9
    world.get()
    assert world.asked == 1
    world.now, world.answer = 3.1, "changed"
    assert world.get() == "changed"


def test_before_it_is_too_old_one_asks_and_the_others_do_not_wait() -> None:
    world = World()
    world.get()
    world.now = 4.5
    asked_by_others = []

    def slowly() -> Found[str | None]:
        asked_by_others.append(world.get())
        return Found("changed")

    assert world.recent.get("key", slowly) == "changed"
    assert asked_by_others == ["known"]
    assert world.asked == 1
    assert world.get() == "changed"


def test_what_was_forgotten_is_asked_for_anew_and_has_no_grace() -> None:
    world = World()
    world.get()
    world.recent.forget(["key"])
    world.away = True
    with pytest.raises(OperationalError):
        world.get()


def test_an_answer_from_before_the_change_is_not_kept() -> None:
    world = World()

    def changed_meanwhile() -> Found[str | None]:
        world.recent.forget(["key"])
        return Found("old")

    assert world.recent.get("key", changed_meanwhile) == "old"
    assert world.get() == "known"
    assert world.asked == 1


def test_in_doubt_everything_is_asked_for_anew_but_keeps_its_grace() -> None:
    world = World()
    world.get()
    world.recent.doubt()
    world.answer = "changed"
    assert world.get() == "changed"
    world.recent.doubt()
    world.away = True
    assert world.get() == "changed"


def test_what_is_not_worth_it_is_not_kept() -> None:
    asked = []

    def ask() -> Found[bool]:
        asked.append(1)
        return Found(False)

    recent: Recent[bool] = Recent("test", entries=3, worth=bool)
    assert [recent.get("a", ask), recent.get("a", ask)] == [False, False]
    assert len(asked) == 2
