"""What a rebuild of projections found: rows that are not what history makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from app.domain.agent_state import AgentState
from app.domain.task import Task

NOT_OF_HISTORY: Final = frozenset({"role", "name"})
"""What an agent says in its hello, which is no event."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row beside what it should hold. ``position`` is the offset or the version that it is at;
    ``row`` is None if there is none.
    """

    kind: str
    project_id: Any
    name: str
    position: int
    row: AgentState | Task | None
    history: AgentState | Task

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """The fields that differ: what the row holds, and what history says."""
        if self.row is None:
            return {"row": (None, "missing")}
        return dict(differing(self.row, self.history))


def differing(
    row: AgentState | Task, history: AgentState | Task
) -> Iterable[tuple[str, tuple[Any, Any]]]:
    """The fields in which two of a kind differ."""
    for name in row.__struct_fields__:
        if name in NOT_OF_HISTORY and isinstance(row, AgentState):
            continue
        here, there = _plain(getattr(row, name)), _plain(getattr(history, name))
        if here != there:
            yield name, (here, there)


def _plain(value: Any) -> Any:
    # JSON is compared by what it says: a column may have written it with other spaces.
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
