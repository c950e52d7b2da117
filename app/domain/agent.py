"""An agent as the fleet sees it: its claimed status, and whether it is really there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from app.domain.event import Event
from app.domain.event_data import MetricData, RegisteredData, StatusData


class Liveness(StrEnum):
    """Whether an agent gave a sign of life lately, by the server's clock: any frame counts, and
    silence makes it first stale, then lost (``STALE_AFTER_S``, ``LOST_AFTER_S``).
    """

    ONLINE = "online"
    STALE = "stale"
    LOST = "lost"


class AgentChange(msgspec.Struct, kw_only=True):
    """What a run of one agent's events changes in its row. None leaves a column as it is."""

    agent_id: str
    last_event_at: datetime
    last_event_type: str
    last_event_severity: str
    events: int = 0
    status: str | None = None
    note: str | None = None
    name: str | None = None
    role: str | None = None
    task_id: str | None = None
    cpu_pct: float | None = None
    memory_bytes: int | None = None


_status = msgspec.json.Decoder(StatusData).decode
_registered = msgspec.json.Decoder(RegisteredData).decode
_metrics = msgspec.json.Decoder(MetricData).decode


def fold(change: AgentChange, events: Sequence[Event]) -> None:
    """Take more events of an agent, in order and at least one, into the change of its row."""
    for event in events:
        if event.task_id is not None:
            change.task_id = event.task_id
        if event.type.startswith("agent."):
            _fold_own(change, event)
    last = events[-1]
    change.last_event_at = last.time
    change.last_event_type = last.type
    change.last_event_severity = last.severity
    change.events += len(events)


def _fold_own(change: AgentChange, event: Event) -> None:
    if event.type == "agent.status":
        claimed = _status(event.data)
        change.status = claimed.status
        # An empty note takes the old one away; None would leave it.
        change.note = claimed.note or ""
    elif event.type == "agent.metric":
        metrics = _metrics(event.data)
        if "cpu_pct" in metrics:
            change.cpu_pct = metrics["cpu_pct"]
        if "memory_bytes" in metrics:
            change.memory_bytes = int(max(0, min(metrics["memory_bytes"], 2**62)))
    elif event.type == "agent.registered":
        registered = _registered(event.data)
        if registered.name is not None:
            change.name = registered.name
        if registered.role is not None:
            change.role = registered.role


class AgentView(msgspec.Struct, kw_only=True):
    """An agent as dashboards and REST show it."""

    agent_id: str
    name: str | None
    role: str | None
    status: str | None
    note: str | None
    liveness: Liveness
    first_seen_at: datetime
    last_seen_at: datetime
    last_event_at: datetime | None
    last_event_type: str | None
    last_event_severity: str | None
    task_id: str | None
    events: int
    cpu_pct: float | None
    memory_bytes: int | None


class AgentDetail(AgentView, kw_only=True):
    """An agent with the ``meta`` of its last hello."""

    meta: msgspec.Raw | None
