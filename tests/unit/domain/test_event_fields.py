"""An event's id, type, agent, task, trace and severity: what is taken and what is refused."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.event import SEVERITIES
from tests.unit.domain.door import code, come_in, item, refusal

VISIBLE = re.compile(r"[!-~]+")
awkward = st.text(
    st.sampled_from("aZ09!~-_./ \t\n\x00\x7f\x80éΩ😀") | st.characters(codec="utf-8"),
    max_size=140,
) | st.sampled_from(["a" * n for n in (63, 64, 65, 127, 128, 129)])


@given(awkward)
def test_an_id_is_up_to_64_visible_ascii_characters(event_id: str) -> None:
    allowed = len(event_id) <= 64 and VISIBLE.fullmatch(event_id) is not None
    assert code(item(id=event_id)) == (None if allowed else "invalid_event")


@given(awkward)
def test_an_agent_id_is_up_to_128_visible_ascii_characters(agent_id: str) -> None:
    allowed = len(agent_id) <= 128 and VISIBLE.fullmatch(agent_id) is not None
    assert code(item(agent_id=agent_id), agent_id=None) == (None if allowed else "invalid_event")


@given(
    st.text(st.sampled_from("ab09_..AZ- \né"), max_size=70)
    | st.sampled_from(["a" * 64, "a" * 65, "a.b", "a..b", ".a", "a.", "agent.log\n", "ａ"])
)
def test_a_type_is_words_with_dots_between(event_type: str) -> None:
    allowed = len(event_type) <= 64 and re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)*", event_type)
    assert code(item(type=event_type)) == (None if allowed else "invalid_event")


@pytest.mark.parametrize("field", ["task_id", "trace_id"])
@given(text=awkward)
def test_task_and_trace_are_any_text_up_to_128_without_nul(field: str, text: str) -> None:
    refused = code(item(**{field: text}))
    if len(text) > 128:
        assert refused == "invalid_event"
    elif "\x00" in text:
        assert refused == "invalid_text"
    else:
        assert getattr(come_in(item(**{field: text})), field) == text


@given(st.sampled_from(SEVERITIES) | st.sampled_from(["", "INFO", "warn", "fatal", "info "]))
def test_a_severity_is_one_of_five_words(severity: str) -> None:
    refused = code(item(severity=severity))
    assert refused == (None if severity in SEVERITIES else "invalid_event")


def test_severity_is_info_unless_said() -> None:
    assert come_in(item()).severity == "info"


def test_what_may_be_left_out_may_be_null() -> None:
    event = come_in(item(id=None, agent_id=None, time=None, task_id=None, trace_id=None))
    assert (event.agent_id, event.task_id, event.trace_id) == ("worker-7", None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 7},
        {"type": None},
        {"agent_id": ["worker-7"]},
        {"task_id": 42},
        {"severity": None},
        {"time": 1763892000},
        {"unknown": 1},
        {"partition": 0, "offset": 1},
    ],
)
def test_a_wrong_type_or_an_unknown_field_is_refused(fields: dict[str, Any]) -> None:
    assert code(item(**fields)) == "invalid_event"


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"7", b'"text"', b"null", b"{", b"{]}", b"\xff"]
)
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    assert code(raw) == "invalid_event"


def test_an_agent_need_not_repeat_its_name() -> None:
    assert come_in(item(), agent_id="worker-7").agent_id == "worker-7"
    assert come_in(item(agent_id="worker-7"), agent_id="worker-7").agent_id == "worker-7"


def test_an_agent_speaks_for_nobody_else() -> None:
    assert code(item(agent_id="worker-8"), agent_id="worker-7") == "agent_mismatch"


def test_by_rest_the_agent_must_be_named() -> None:
    assert code(item(), agent_id=None) == "invalid_event"


def test_a_missing_id_is_made_and_never_twice() -> None:
    made = [come_in(item()).id for _ in range(100)]
    assert len(set(made)) == 100
    assert all(UUID(event_id).version == 7 for event_id in made)


@pytest.mark.parametrize(
    "raw",
    [
        item(id="mine", severity="loud"),
        item(id="mine", type="Bad Type"),
        item(id="mine", nonsense=True),
        item(id="mine", time="2020-01-01T00:00:00Z"),
        item(id="mine", agent_id="somebody-else"),
        item(id="mine", task_id="\x00"),
        item(id="mine", data=[1]),
        item(id="mine", data={"text": "\x00"}),
    ],
)
def test_a_refusal_names_the_item_by_its_id(raw: bytes) -> None:
    refused = refusal(raw)
    assert refused is not None
    assert refused.id == "mine"


def test_an_id_that_is_itself_wrong_is_not_repeated_at_length() -> None:
    refused = refusal(item(id="x" * 5000))
    assert refused is not None
    assert refused.id is None
    assert len(refused.detail) < 200
