"""What history makes of an agent does not depend on how it was cut into batches."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.domain.agent_state import AgentState, replay
from app.domain.event import Event
from tests.unit.domain.door import NOW, come_in, item

WORDS = st.sampled_from(["idle", "busy", ""])
STATUS = st.fixed_dictionaries(
    {"status": st.sampled_from(["idle", "busy"])}, optional={"note": WORDS}
)
METRIC = st.fixed_dictionaries(
    {}, optional={"cpu_pct": st.floats(0, 100), "memory_bytes": st.integers(0, 10**12)}
)
REGISTERED = st.fixed_dictionaries(
    {}, optional={"role": st.sampled_from(["worker", "manager"]), "name": WORDS}
)
KINDS = st.one_of(
    st.tuples(st.just("agent.status"), STATUS),
    st.tuples(st.just("agent.metric"), METRIC),
    st.tuples(st.just("agent.registered"), REGISTERED),
    st.tuples(st.just("tool.called"), st.just({})),
)


def event(number: int, kind: str, data: dict[str, Any], task_id: str | None) -> Event:
    raw = item(id=f"e{number}", type=kind, agent_id="w", time=NOW.isoformat(), data=data)
    event = come_in(raw, agent_id=None)
    return msgspec.structs.replace(event, task_id=task_id)


EVENTS = st.lists(
    st.tuples(KINDS, st.one_of(st.none(), st.sampled_from(["t1", "t2"]))), max_size=20
).map(lambda made: [event(n, kind, data, task) for n, ((kind, data), task) in enumerate(made)])


@given(EVENTS, st.lists(st.integers(0, 20), max_size=4))
def test_batches_make_no_difference(events: list[Event], cuts: list[int]) -> None:
    whole = replay(AgentState(), events)
    parted = AgentState()
    edges = [0, *sorted(cuts), len(events)]
    for first, last in pairwise(edges):
        parted = replay(parted, events[first:last])
    assert parted == whole
    assert whole.events == len(events)


def test_an_empty_note_takes_the_old_one_away() -> None:
    state = replay(
        AgentState(),
        [
            event(1, "agent.status", {"status": "busy", "note": "page 3"}, None),
            event(2, "agent.status", {"status": "idle"}, None),
        ],
    )
    assert (state.status, state.note) == ("idle", None)
