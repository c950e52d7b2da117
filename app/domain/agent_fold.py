"""What a batch changes in an agent's row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.domain.agent import AgentChange, fold
from app.domain.row import Row


class AgentFold(AgentChange, kw_only=True):
    """What a batch changes in one agent's row."""

    project_id: UUID
    seen_at: datetime | None
    """None if none of the events came from the agent itself: they are no sign of its life."""
    last_offset: int = 0
    as_of: datetime | None = None
    """When the newest of the events was received."""


def fold_rows(known: AgentFold | None, rows: Sequence[Row], *, alive: bool = True) -> AgentFold:
    """The change with more events of its agent, in order and received at one moment; ``known`` is
    changed. ``alive`` says whether the agent itself sent them.
    """
    last = rows[-1]
    event, received_at = last.event, last.received_at
    if known is None:
        known = AgentFold(
            agent_id=event.agent_id,
            last_event_at=event.time,
            last_event_type=event.type,
            last_event_severity=event.severity,
            project_id=last.project_id,
            seen_at=None,
        )
    fold(known, [row.event for row in rows])
    known.last_offset = last.offset
    if known.as_of is None or received_at > known.as_of:
        known.as_of = received_at
    if alive and (known.seen_at is None or received_at > known.seen_at):
        known.seen_at = received_at
    return known
