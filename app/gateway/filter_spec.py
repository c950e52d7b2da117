"""The filter of a subscribe frame, from what was asked to what is looked for."""

from __future__ import annotations

from app.domain.event import SEVERITIES
from app.domain.json_text import holds_unstorable_text
from app.domain.subscription import EVERYTHING, Filter, values
from app.gateway.connection import encode
from app.gateway.messages import FilterSpec


def to_filter(spec: FilterSpec | None) -> Filter:
    """The filter of a subscribe frame.

    Raises:
        ValueError: a severity that does not exist, too many values, or text that is none.
    """
    if spec is None:
        return EVERYTHING
    if holds_unstorable_text(encode(spec)):
        raise ValueError("A filter cannot hold \\u0000.")
    severities = values(spec.severity)
    unknown = severities - set(SEVERITIES)
    if unknown:
        raise ValueError(f"No such severity: {', '.join(sorted(unknown))}.")
    return Filter(
        agent_ids=values(spec.agent_ids),
        types=values(spec.types),
        task_ids=values(spec.task_ids),
        severities=severities,
        text=spec.text or "",
    )
