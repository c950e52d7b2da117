"""Who wants which event: the filter of a subscription."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

MAX_VALUES = 100


class Filterable(Protocol):
    """What a filter looks at."""

    @property
    def agent_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def task_id(self) -> str | None: ...
    @property
    def trace_id(self) -> str | None: ...
    @property
    def severity(self) -> str: ...
    @property
    def data(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Filter:
    """An event matches if it matches every part that is given; an empty part matches all.

    ``types`` are exact or end in ``.*`` (``task.*`` matches every type below ``task``).
    ``text`` is looked for in the type, the agent's id, the task's id and the data as it was
    written, without regard to case (``lower_case``).
    """

    agent_ids: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    task_ids: frozenset[str] = frozenset()
    trace_ids: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    text: str = ""

    def __bool__(self) -> bool:
        return self != EVERYTHING

    def exact_types(self) -> frozenset[str]:
        """The types that are named in full."""
        return frozenset(t for t in self.types if not t.endswith(".*"))

    def type_prefixes(self) -> tuple[str, ...]:
        """The patterns' beginnings, with their dot: ``task.`` for ``task.*``."""
        return tuple(sorted(t[:-1] for t in self.types if t.endswith(".*")))

    def matches(self, event: Filterable) -> bool:
        """Whether this filter wants the event."""
        if self.agent_ids and event.agent_id not in self.agent_ids:
            return False
        if self.severities and event.severity not in self.severities:
            return False
        if self.task_ids and event.task_id not in self.task_ids:
            return False
        if self.trace_ids and event.trace_id not in self.trace_ids:
            return False
        if self.types and event.type not in self.types:
            prefixes = self.type_prefixes()
            if not prefixes or not event.type.startswith(prefixes):
                return False
        return not self.text or self._holds_text(event)

    def _holds_text(self, event: Filterable) -> bool:
        wanted = lower_case(self.text)
        return any(
            wanted in lower_case(text)
            for text in (
                event.type,
                event.agent_id,
                event.task_id or "",
                bytes(event.data).decode("utf-8", "replace"),
            )
        )


EVERYTHING = Filter()


def lower_case(text: str) -> str:
    """Small letters, one for one, as ``lower`` of PostgreSQL has them: live and in history the same
    events are found. Python alone makes two letters of İ, and looks where in a word a Σ stands.
    """
    return text.replace("İ", "i").replace("Σ", "σ").lower()


def values(given: str | Iterable[str] | None) -> frozenset[str]:
    """One value, values with commas between, or a list of them, as a set.

    Raises:
        ValueError: there are more than 100.
    """
    if given is None:
        return frozenset()
    items = given.split(",") if isinstance(given, str) else given
    wanted = frozenset(item for item in items if item)
    if len(wanted) > MAX_VALUES:
        raise ValueError(f"At most {MAX_VALUES} values.")
    return wanted
