"""What an agent's events change in its row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.agent import AgentChange, fold
from app.domain.event import Event
from tests.unit.domain.door import NOW, come_in, item


def event(event_type: str, **fields: Any) -> Event:
    return come_in(item(type=event_type, **fields))


def folded(*events: Event) -> AgentChange:
    change = AgentChange(
        agent_id="worker-7", last_event_at=NOW, last_event_type="", last_event_severity=""
    )
    for one in events:
        fold(change, [one])
    return change


def test_the_last_event_is_what_came_last_whatever_its_time() -> None:
    yesterday = (NOW - timedelta(days=1)).isoformat()
    change = folded(
        event("tool.called", time=NOW.isoformat()),
        event("tool.failed", time=yesterday, severity="error"),
    )
    assert change.events == 2
    assert change.last_event_type == "tool.failed"
    assert change.last_event_severity == "error"
    assert change.last_event_at == NOW - timedelta(days=1)


def test_what_no_event_speaks_of_stays_as_it_is() -> None:
    change = folded(event("tool.called", data={"status": "x", "cpu_pct": 3, "name": "n"}))
    untouched = (change.status, change.note, change.name, change.role, change.task_id)
    assert untouched == (None,) * 5
    assert (change.cpu_pct, change.memory_bytes) == (None, None)


def test_the_newest_of_each_kind_counts() -> None:
    change = folded(
        event("agent.registered", data={"role": "worker", "name": "Ada"}),
        event("agent.metric", data={"cpu_pct": 12.5, "memory_bytes": 1000}),
        event("agent.status", data={"status": "working", "note": "page 1"}),
        event("agent.metric", data={"cpu_pct": 99}),
        event("task.started", task_id="t1"),
        event("agent.log", data={"message": "hello"}),
    )
    assert (change.role, change.name) == ("worker", "Ada")
    assert (change.cpu_pct, change.memory_bytes) == (99.0, 1000)
    assert (change.status, change.note) == ("working", "page 1")
    assert change.task_id == "t1"
    assert change.last_event_type == "agent.log"


@pytest.mark.parametrize("data", [{"status": "idle"}, {"status": "idle", "note": None}])
def test_a_status_without_a_note_takes_the_old_note_away(data: dict[str, Any]) -> None:
    change = folded(event("agent.status", data={"status": "busy", "note": "n"}))
    fold(change, [event("agent.status", data=data)])
    assert change.status == "idle"
    assert change.note == ""


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300))
def test_any_metric_that_is_taken_fits_its_column(number: float) -> None:
    change = folded(event("agent.metric", data={"cpu_pct": number, "memory_bytes": number}))
    assert change.cpu_pct == float(number)
    assert change.memory_bytes is not None
    assert 0 <= change.memory_bytes < 2**63
    assert json.dumps([change.cpu_pct, change.memory_bytes])
