"""A command's states: held to their drawing, and to the law that they only go forward."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import uuid7
from app.domain.command import (
    FINAL,
    Command,
    CommandState,
    advance,
    allows,
    event_data,
    outlived,
)

DRAWING = Path(__file__).parents[3] / "docs" / "commands.md"
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
STEPS = st.lists(st.sampled_from(sorted(set(CommandState) - {CommandState.QUEUED})), max_size=12)


def command(state: CommandState = CommandState.QUEUED) -> Command:
    return Command(
        command_id=uuid7(),
        agent_id="w",
        name="pause",
        args=msgspec.Raw(b'{"n":1}'),
        state=state,
        created_by="key:m",
        created_at=NOW,
        deadline_at=NOW + timedelta(minutes=5),
    )


def test_the_drawing_is_the_code() -> None:
    arrows = re.findall(r"^ +(\w+) --> (\w+)$", DRAWING.read_text(), re.MULTILINE)
    coded = {(a.value, b.value) for a in CommandState for b in CommandState if allows(a, b)}
    assert set(arrows) == coded


@given(STEPS)
def test_steps_only_lead_forward_and_end_once(steps: list[CommandState]) -> None:
    known = command()
    seen = [known.state]
    deliveries = 0
    for number, step in enumerate(steps):
        at = NOW + timedelta(seconds=number)
        after = advance(known, step, at, f"word {number}")
        if after is None:
            assert known.state in FINAL or not allows(known.state, step)
            continue
        deliveries += step is CommandState.DELIVERED
        if after.state is not known.state:
            assert allows(known.state, after.state)
            seen.append(after.state)
        if after.state in FINAL:
            assert (after.finished_at, after.detail) == (at, f"word {number}")
        else:
            assert (after.finished_at, after.detail) == (None, None)
        known = after
    assert len(seen) == len(set(seen))
    assert sum(state in FINAL for state in seen) <= 1
    assert known.deliveries == deliveries


@given(STEPS)
def test_to_say_everything_twice_changes_nothing(steps: list[CommandState]) -> None:
    once = twice = command()
    for step in steps:
        once = advance(once, step, NOW) or once
        twice = advance(twice, step, NOW) or twice
        twice = advance(twice, step, NOW + timedelta(hours=1)) or twice
    assert msgspec.structs.replace(twice, deliveries=once.deliveries) == once


def test_what_a_former_life_had_fails_and_is_never_sent_again() -> None:
    sent = advance(command(), CommandState.DELIVERED, NOW, incarnation=1)
    assert sent is not None
    assert outlived(sent, 2, NOW) is None
    had = advance(sent, CommandState.RECEIVED, NOW, incarnation=1)
    assert had is not None
    assert outlived(had, 1, NOW) is None
    failed = outlived(had, 2, NOW)
    assert failed is not None
    assert (failed.state, failed.detail) == (CommandState.FAILED, "agent_restarted")
    assert outlived(failed, 3, NOW) is None


def test_a_later_life_that_has_the_command_keeps_it() -> None:
    had = advance(command(), CommandState.RECEIVED, NOW, incarnation=1)
    assert had is not None
    later = advance(had, CommandState.RECEIVED, NOW, incarnation=2)
    assert later is not None
    assert (later.state, later.incarnation) == (CommandState.RECEIVED, 2)
    assert outlived(later, 2, NOW) is None
    # It was on its way to the later life when the former one was heard.
    sent = advance(command(), CommandState.DELIVERED, NOW, incarnation=2)
    assert sent is not None
    assert advance(sent, CommandState.RECEIVED, NOW, incarnation=1) is None
    done = advance(sent, CommandState.DONE, NOW, incarnation=1)
    assert done is not None
    assert done.state is CommandState.DONE


def test_the_first_event_says_all_and_the_others_what_is_new() -> None:
    queued = command()
    told = msgspec.json.decode(event_data(queued))
    assert told.keys() == {"command_id", "name", "created_by", "deadline_at", "args"}
    failed = advance(queued, CommandState.FAILED, NOW, "no")
    assert failed is not None
    told = msgspec.json.decode(event_data(failed))
    assert told == {"command_id": str(queued.command_id), "name": "pause", "detail": "no"}
