"""The data of the types that the system understands, and of those that it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.door import code, item, item_with_data, refusal
from tests.unit.domain.json_documents import objects

TASK_TYPES = [
    *("task.created", "task.started", "task.progress", "task.input_required"),
    *("task.completed", "task.failed", "task.canceled", "task.rejected"),
]


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("agent.status", {"status": "working"}),
        ("agent.status", {"status": "working", "note": None}),
        ("agent.status", {"status": "working", "note": "n" * 2000, "else": [1]}),
        ("agent.log", {"message": ""}),
        ("agent.log", {"message": "line", "level": 3}),
        ("agent.metric", {}),
        ("agent.metric", {"cpu_pct": 12.5, "memory_bytes": 2**40, "queue": -1}),
        ("agent.registered", {}),
        ("agent.registered", {"role": "manager", "name": "Ada", "version": "1"}),
        ("agent.heartbeat", {"anything": None}),
        *((event_type, {}) for event_type in TASK_TYPES),
        *((event_type, {"title": "Read it all", "steps": 3}) for event_type in TASK_TYPES),
    ],
)
def test_data_as_the_protocol_has_it_is_taken(event_type: str, data: dict[str, Any]) -> None:
    assert code(item(type=event_type, data=data)) is None


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("agent.status", {}),
        ("agent.status", {"status": ""}),
        ("agent.status", {"status": "s" * 65}),
        ("agent.status", {"status": 1}),
        ("agent.status", {"status": "working", "note": "n" * 2001}),
        ("agent.log", {}),
        ("agent.log", {"message": None}),
        ("agent.metric", {"cpu_pct": "12"}),
        ("agent.metric", {"cpu_pct": True}),
        ("agent.metric", {"cpu_pct": None}),
        ("agent.metric", {"cpu_pct": {"value": 1}}),
        ("agent.registered", {"role": "boss"}),
        ("agent.registered", {"role": "worker\n"}),
        ("agent.registered", {"name": "n" * 201}),
        *((event_type, {"title": 7}) for event_type in TASK_TYPES),
        *((event_type, {"title": "t" * 1001}) for event_type in TASK_TYPES),
    ],
)
def test_data_of_a_known_type_that_is_wrong_is_refused(
    event_type: str, data: dict[str, Any]
) -> None:
    refused = refusal(item(type=event_type, data=data))
    assert refused is not None
    assert refused.code == "invalid_data"
    assert event_type in refused.detail


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" + b"0" * 400, b"-1" + b"0" * 5000])
def test_a_metric_that_no_float_holds_is_refused(number: bytes) -> None:
    raw = item_with_data(b'{"cpu_pct":%s}' % number, "agent.metric")
    assert code(raw) == "invalid_data"


@given(st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False, allow_infinity=False)))
def test_metrics_are_any_numbers_under_any_names(metrics: dict[str, float]) -> None:
    nul = any("\x00" in name for name in metrics)
    data = json.dumps(metrics).encode()
    assert code(item_with_data(data, "agent.metric")) == ("invalid_text" if nul else None)


@given(objects)
def test_any_other_type_is_kept_whatever_its_data(data: dict[str, Any]) -> None:
    refused = refusal(item(type="tool.called", data=data))
    assert refused is None or refused.code == "invalid_text"
