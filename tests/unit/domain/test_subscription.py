"""The filter of a subscription."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import SEVERITIES
from app.domain.subscription import EVERYTHING, MAX_VALUES, Filter, values


@dataclass(frozen=True)
class Seen:
    agent_id: str = "worker-7"
    type: str = "task.completed"
    task_id: str | None = "Task-42"
    trace_id: str | None = None
    severity: str = "info"
    data: bytes = b'{"tool":"Search"}'


few_agents = st.sampled_from(["worker-7", "worker-8", "boss"])
few_types = st.sampled_from(["task.completed", "task", "task.a.b", "tasks.done", "agent.log"])
few_tasks = st.none() | st.sampled_from(["t1", "t2"])
events = st.builds(
    Seen,
    agent_id=few_agents,
    type=few_types,
    task_id=few_tasks,
    trace_id=few_tasks,
    severity=st.sampled_from(SEVERITIES),
    data=st.sampled_from([b'{"tool":"Search"}', '{"é":"STRASSE"}'.encode(), b"{}"]),
)
filters = st.builds(
    Filter,
    agent_ids=st.frozensets(few_agents),
    types=st.frozensets(few_types | st.sampled_from(["task.*", "task.a.*", "agent.*", "none.*"])),
    task_ids=st.frozensets(st.sampled_from(["t1", "t2"])),
    trace_ids=st.frozensets(st.sampled_from(["t1", "t2"])),
    severities=st.frozensets(st.sampled_from(SEVERITIES)),
    text=st.sampled_from(["", "SEARCH", "straße", "worker", "T1", "zzz"]),
)


def type_wanted(pattern: str, event_type: str) -> bool:
    return event_type.startswith(pattern[:-1]) if pattern.endswith(".*") else event_type == pattern


@given(filters, events)
def test_an_event_matches_if_it_matches_every_part_that_is_given(
    wanted: Filter, event: Seen
) -> None:
    looked_at = [event.type, event.agent_id, event.task_id or "", event.data.decode()]
    parts = [
        not wanted.agent_ids or event.agent_id in wanted.agent_ids,
        not wanted.task_ids or event.task_id in wanted.task_ids,
        not wanted.trace_ids or event.trace_id in wanted.trace_ids,
        not wanted.severities or event.severity in wanted.severities,
        not wanted.types or any(type_wanted(t, event.type) for t in wanted.types),
        not wanted.text or any(wanted.text.lower() in text.lower() for text in looked_at),
    ]
    assert wanted.matches(event) == all(parts)


@given(filters)
def test_a_filter_is_false_if_it_wants_everything(wanted: Filter) -> None:
    assert bool(wanted) == (wanted != Filter())
    assert not EVERYTHING


@given(events)
def test_everything_is_wanted_by_no_filter(event: Seen) -> None:
    assert EVERYTHING.matches(event)


def test_a_pattern_wants_what_lies_below_and_not_the_word_itself() -> None:
    wanted = Filter(types=frozenset({"task.*"}))
    assert wanted.matches(Seen(type="task.completed"))
    assert wanted.matches(Seen(type="task.step.done"))
    assert not wanted.matches(Seen(type="task"))
    assert not wanted.matches(Seen(type="tasks.done"))


def test_types_are_told_apart_by_name_and_by_beginning() -> None:
    wanted = Filter(types=frozenset({"task.*", "agent.log", "agent.a.*"}))
    assert wanted.exact_types() == {"agent.log"}
    assert wanted.type_prefixes() == ("agent.a.", "task.")


@pytest.mark.parametrize(
    ("given_values", "expected"),
    [
        (None, set()),
        ("", set()),
        ("a", {"a"}),
        ("a,b,,a", {"a", "b"}),
        (["a", "", "b,c"], {"a", "b,c"}),
    ],
)
def test_values_come_with_commas_between_or_as_a_list(
    given_values: str | list[str] | None, expected: set[str]
) -> None:
    assert values(given_values) == expected


def test_a_filter_has_a_bound() -> None:
    names = [f"agent-{n}" for n in range(MAX_VALUES + 1)]
    assert len(values(names[:-1])) == MAX_VALUES
    with pytest.raises(ValueError, match="100"):
        values(names)
    with pytest.raises(ValueError, match="100"):
        values(",".join(names))
