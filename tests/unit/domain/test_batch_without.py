"""A plan without the rows that PostgreSQL refuses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.batch import Plan, plan, without
from tests.unit.domain.log_model import EMPTY, LogModel, record, run


def planned(agents: list[str]) -> Plan:
    log = LogModel()
    for number, agent in enumerate(agents, start=1):
        log.append(run([record(f"e{number}", agent)], agent, incarnation=1, last_seq=number))
    return plan(EMPTY, log.chunks)


@st.composite
def plans_and_poison(draw: st.DrawFn) -> tuple[Plan, list[int]]:
    agents = draw(st.lists(st.sampled_from(["ada", "bob"]), min_size=1, max_size=12))
    poison = draw(st.sets(st.integers(0, len(agents) - 1)))
    return planned(agents), sorted(poison)


@given(plans_and_poison())
def test_the_rest_moves_up_and_the_culprits_are_dead(case: tuple[Plan, list[int]]) -> None:
    made, poison = case
    healed = made
    for index in reversed(poison):
        healed = without(healed, index)
    kept = [row for index, row in enumerate(made.rows) if index not in poison]
    assert [row.record for row in healed.rows] == [row.record for row in kept]
    assert [row.offset for row in healed.rows] == list(range(1, len(kept) + 1))
    assert healed.state.head == len(kept)
    assert healed.state.stored == len(kept)
    assert healed.state.dead == len(poison)
    assert healed.state.log_drained == made.state.log_drained == len(made.rows)
    assert healed.state.log_position == made.state.log_position


@given(plans_and_poison())
def test_a_dead_event_changes_no_agent_but_its_sequence_number_is_spent(
    case: tuple[Plan, list[int]],
) -> None:
    made, poison = case
    healed = made
    for index in reversed(poison):
        healed = without(healed, index)
    counts = {fold.agent_id: fold.events for fold in healed.agents}
    kept = [row for index, row in enumerate(made.rows) if index not in poison]
    for agent in ("ada", "bob"):
        assert counts.get(agent, 0) == sum(row.event.agent_id == agent for row in kept)
    assert healed.cursors == made.cursors


def test_the_plan_itself_is_left_as_it_is() -> None:
    made = planned(["ada", "bob", "ada"])
    without(made, 0)
    assert [row.offset for row in made.rows] == [1, 2, 3]
    assert (made.state.head, made.state.dead) == (3, 0)
    assert {fold.agent_id: fold.events for fold in made.agents} == {"ada": 2, "bob": 1}
