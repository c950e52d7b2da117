"""A task's states: held to their drawing, and to the laws of a fold."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.task import (
    EVENT_OF,
    FINAL,
    TRANSITIONS,
    UPDATED,
    Task,
    TaskEvent,
    TaskState,
    TransitionRefused,
    allows,
    fold,
)

DRAWING = Path(__file__).parents[3] / "docs" / "tasks.md"
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
REPORTS = sorted(TRANSITIONS)


def event(kind: str, seconds: int = 0, **data: Any) -> TaskEvent:
    at = NOW + timedelta(seconds=seconds)
    return TaskEvent(kind, "t", "w", at, msgspec.json.encode(data))


def task(state: TaskState = TaskState.SUBMITTED, **fields: Any) -> Task:
    made = fold(None, event("task.created", title="read", created_by="m"))
    return msgspec.structs.replace(made, state=state, **fields)


def drawn() -> set[tuple[str, str, str]]:
    arrows = re.findall(r"^ +(\S+) --> (\w+): (\S+)$", DRAWING.read_text(), re.MULTILINE)
    return {(before, kind, after) for before, after, kind in arrows}


def coded() -> set[tuple[str, str, str]]:
    """Every step that the code allows, found by trying all."""
    found = set()
    for before in (None, *TaskState):
        for kind in ("task.created", *REPORTS):
            for needs in (None, "auth"):
                known = None if before is None else task(before)
                try:
                    after = fold(known, event(kind, needs=needs))
                except TransitionRefused:
                    continue
                found.add(("[*]" if before is None else before.value, kind, after.state.value))
    return found


def test_the_drawing_is_the_code() -> None:
    assert drawn() == coded()


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_follows_the_end(state: TaskState) -> None:
    assert not any(allows(state, kind) for kind in (*REPORTS, "task.created", UPDATED))


@pytest.mark.parametrize("state", sorted(set(TaskState) - {TaskState.SUBMITTED}))
def test_each_state_has_the_event_that_leads_there(state: TaskState) -> None:
    needs: dict[str, Any] = {"needs": "auth"} if state is TaskState.AUTH_REQUIRED else {}
    assert fold(task(), event(EVENT_OF[state], **needs)).state is state


def test_an_event_changes_what_it_names_and_nothing_else() -> None:
    before = task(note="old", progress=0.1)
    after = fold(before, event("task.progress", 5, note=None, progress=0.4))
    assert (after.note, after.progress, after.title) == (None, 0.4, "read")
    assert (before.note, before.version) == ("old", 1)
    assert (after.version, after.updated_at) == (2, NOW + timedelta(seconds=5))
    assert after.created_at == NOW
    assert after.finished_at is None


def test_the_end_has_its_time() -> None:
    after = fold(task(), event("task.completed", 7, result={"pages": 3}))
    assert after.finished_at == NOW + timedelta(seconds=7)
    assert after.result is not None
    assert msgspec.json.decode(after.result) == {"pages": 3}


def test_an_update_of_nothing_is_refused() -> None:
    with pytest.raises(TransitionRefused, match="unknown"):
        fold(None, event(UPDATED, title="x"))


def test_a_second_creation_is_refused_in_words() -> None:
    with pytest.raises(TransitionRefused, match="exists already"):
        fold(task(), event("task.created"))


@given(st.lists(st.sampled_from(["task.created", UPDATED, *REPORTS]), max_size=30))
def test_refused_events_leave_no_trace(kinds: list[str]) -> None:
    """What was refused may be left out: the task is the same."""
    known: Task | None = None
    taken = []
    for number, kind in enumerate(kinds):
        try:
            known = fold(known, event(kind, number))
        except TransitionRefused:
            continue
        taken.append((number, kind))
    again: Task | None = None
    for number, kind in taken:
        again = fold(again, event(kind, number))
    assert again == known
    assert known is None or known.version == len(taken)
    assert known is None or (known.finished_at is not None) == (known.state in FINAL)


def test_a_creation_that_comes_late_explains_and_moves_nothing() -> None:
    begun = fold(None, event("task.completed", result=1))
    assert begun.created_by is None
    created = TaskEvent("task.created", "t", "m", NOW, b'{"title":"read","agent_id":"w"}')
    after = fold(begun, created)
    assert (after.title, after.created_by, after.agent_id) == ("read", "m", "w")
    assert (after.state, after.finished_at, after.version) == ("completed", NOW, 2)
    with pytest.raises(TransitionRefused):
        fold(after, created)
