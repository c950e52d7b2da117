"""The door that every event comes in by: an item as it was sent, accepted or refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.event import BEHIND, Event, EventRejected, Rejected, accept, read_item

NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, UTC)


def item(**fields: Any) -> bytes:
    """An item with a type and whatever else is given."""
    return json.dumps({"type": "test.happened", **fields}).encode()


def item_with_data(data: bytes, event_type: str = "test.happened") -> bytes:
    """An item whose data is these bytes."""
    return b'{"type":"%s","id":"e1","data":%s}' % (event_type.encode(), data)


def come_in(raw: bytes, *, agent_id: str | None = "worker-7", behind: timedelta = BEHIND) -> Event:
    """The event that this item becomes on the socket of an agent, or by REST (None)."""
    return accept(read_item(raw), now=NOW, agent_id=agent_id, behind=behind)


def refusal(
    raw: bytes, *, agent_id: str | None = "worker-7", behind: timedelta = BEHIND
) -> Rejected | None:
    """Why the item is refused; None if it is not."""
    try:
        come_in(raw, agent_id=agent_id, behind=behind)
    except EventRejected as refused:
        return refused.rejected
    return None


def code(raw: bytes, *, agent_id: str | None = "worker-7") -> str | None:
    """The code of the refusal, None if there is none."""
    refused = refusal(raw, agent_id=agent_id)
    return None if refused is None else refused.code
