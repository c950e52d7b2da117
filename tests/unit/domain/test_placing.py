"""What the system adds to a batch: behind it, contiguous, counted, no sign of an agent's life."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.domain.batch import Plan, plan
from app.domain.event import encode_event
from app.domain.placing import Waiting, place, reports_of, take_reports, task_of
from tests.unit.domain.door import NOW, come_in, item
from tests.unit.domain.log_model import EMPTY, PROJECT, LogModel, run

PROJECT_ID = UUID(PROJECT)
AGENT = "worker-7"


def waiting(number: int, event_type: str = "config.changed", agent_id: str = AGENT) -> Waiting:
    at = NOW + timedelta(seconds=number)
    return Waiting(
        PROJECT_ID, 3, f"out-{number}", agent_id, event_type, at, None, 1, '{"version":1}', None
    )


def report(number: int, kind: str, task_id: str = "t") -> bytes:
    raw = item(id=f"e{number}", type=kind, agent_id=AGENT, time=NOW.isoformat(), task_id=task_id)
    return encode_event(come_in(raw, agent_id=None))


def planned(*records: bytes) -> Plan:
    log = LogModel()
    log.append(run(list(records)))
    return plan(EMPTY, log.chunks)


def told(made: Plan) -> list[tuple[int, str]]:
    return [(row.offset, row.event.type) for row in made.rows]


def test_the_outbox_stands_behind_the_agents_events() -> None:
    made = place(planned(report(1, "tool.called")), [waiting(1), waiting(2, "command.queued")])
    assert told(made) == [(1, "tool.called"), (2, "config.changed"), (3, "command.queued")]
    assert (made.state.head, made.state.stored, made.state.accepted_before) == (3, 3, 2)
    assert made.called == [f"{PROJECT}/{AGENT}"] * 2


def test_the_system_is_no_sign_of_life() -> None:
    [folded] = place(planned(), [waiting(1)]).agents
    assert folded.seen_at is None
    assert (folded.events, folded.last_event_type) == (1, "config.changed")
    [both] = place(planned(report(1, "tool.called")), [waiting(1)]).agents
    assert both.seen_at is not None
    assert both.events == 2


def test_reports_move_a_task_and_carry_its_version() -> None:
    made = planned(report(1, "task.started"), report(2, "task.completed"), report(3, "x", "u"))
    assert {task_of(row) for row in reports_of(made)} == {(PROJECT_ID, "t")}
    [after], changed = take_reports([made], [reports_of(made)], {})
    assert [row.task_version for row in after.rows] == [1, 2, None]
    assert changed[PROJECT_ID, "t"].state == "completed"


def test_what_is_refused_is_recorded_behind_the_batch() -> None:
    made = planned(report(1, "task.completed"), report(2, "task.started"), report(3, "x", "u"))
    [after], changed = take_reports([made], [reports_of(made)], {})
    assert told(after)[2:] == [(3, "x"), (4, "task.transition_refused")]
    data = msgspec.json.decode(after.rows[-1].event.data)
    assert (data["event_id"], data["type"], data["state"]) == ("e2", "task.started", "completed")
    assert after.rows[1].task_version is None
    assert changed[PROJECT_ID, "t"].version == 1


@given(st.lists(st.sampled_from(["task.started", "task.progress", "task.completed", "x"])))
def test_the_books_balance_whatever_comes(kinds: list[str]) -> None:
    made = planned(*(report(number, kind) for number, kind in enumerate(kinds)))
    [after], _ = take_reports([made], [reports_of(made)], {})
    after = place(after, [waiting(1)])
    state = after.state
    assert [row.offset for row in after.rows] == list(range(1, len(after.rows) + 1))
    assert state.head == state.stored == len(after.rows)
    assert state.accepted_before + state.log_drained == state.stored + state.duplicates
    assert sum(fold.events for fold in after.agents) == len(after.rows)
