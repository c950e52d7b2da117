"""What history makes of an agent: the part of its row that comes from events alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from app.domain.agent import AgentChange, fold
from app.domain.event import Event


class AgentState(msgspec.Struct, kw_only=True):
    """An agent as its events left it. Signs of life that are no events are no part of history."""

    role: str | None = None
    name: str | None = None
    status: str | None = None
    note: str | None = None
    last_event_at: datetime | None = None
    last_event_type: str | None = None
    last_event_severity: str | None = None
    task_id: str | None = None
    events: int = 0
    cpu_pct: float | None = None
    memory_bytes: int | None = None


def begin(event: Event) -> AgentChange:
    """The change that this event begins, before it is folded."""
    return AgentChange(
        agent_id=event.agent_id,
        last_event_at=event.time,
        last_event_type=event.type,
        last_event_severity=event.severity,
    )


def after(state: AgentState, change: AgentChange) -> AgentState:
    """The state after a change, as the drain's statement makes it of the row."""
    return AgentState(
        role=state.role if change.role is None else change.role,
        name=state.name if change.name is None else change.name,
        status=state.status if change.status is None else change.status,
        note=state.note if change.status is None else change.note or None,
        last_event_at=change.last_event_at,
        last_event_type=change.last_event_type,
        last_event_severity=change.last_event_severity,
        task_id=state.task_id if change.task_id is None else change.task_id,
        events=state.events + change.events,
        cpu_pct=state.cpu_pct if change.cpu_pct is None else change.cpu_pct,
        memory_bytes=state.memory_bytes if change.memory_bytes is None else change.memory_bytes,
    )


def replay(state: AgentState, events: Sequence[Event]) -> AgentState:
    """The state after more events of the agent, in order."""
    if not events:
        return state
    change = begin(events[0])
    fold(change, events)
    return after(state, change)
