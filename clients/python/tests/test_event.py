"""The event: what is taken, what is refused, and the bytes that come out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telltale_client.errors import InvalidEvent
from telltale_client.event import (
    SEVERITIES,
    check_metrics,
    encode_event,
    encode_object,
    is_droppable,
)

storable = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | storable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(storable, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
types = st.from_regex(r"[a-z0-9_]{1,9}(\.[a-z0-9_]{1,9}){0,4}", fullmatch=True)


def encode(type_: str = "tool.called", data: Any = None, **fields: Any) -> dict[str, Any]:
    payload = encode_event(type_, data, event_id="e1", **fields)
    event: dict[str, Any] = json.loads(payload)
    return event


@given(types, st.dictionaries(storable, values, max_size=5), st.sampled_from(sorted(SEVERITIES)))
def test_what_is_valid_comes_out_as_it_went_in(
    type_: str, data: dict[str, Any], severity: str
) -> None:
    event = encode(type_, data, severity=severity, task_id='t"1', trace_id="ü\\u0000")
    assert event.pop("time").endswith("Z")
    assert event == {
        "id": "e1",
        "type": type_,
        "severity": severity,
        "task_id": 't"1',
        "trace_id": "ü\\u0000",
        "data": data,
    }


@given(st.text(max_size=70))
def test_a_type_is_words_joined_by_dots(type_: str) -> None:
    words = type_.split(".")
    good = len(type_) <= 64 and all(
        word and all(c in "abcdefghijklmnopqrstuvwxyz0123456789_" for c in word) for word in words
    )
    if good:
        assert encode(type_)["type"] == type_
    else:
        with pytest.raises(InvalidEvent, match="type"):
            encode(type_)


@pytest.mark.parametrize("type_", ["", "A.b", "a..b", ".a", "a.", "a b", "a.b\n", "x" * 65])
def test_bad_types(type_: str) -> None:
    with pytest.raises(InvalidEvent):
        encode(type_)


def deep(levels: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(levels - 1):
        data = {"a": data}
    return data


def circular() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["self"] = data
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"x": float("nan")}, "cannot be written as JSON"),
        ({"x": float("inf")}, "cannot be written as JSON"),
        ({"x": object()}, "cannot be written as JSON"),
        ({"x": b"bytes"}, "cannot be written as JSON"),
        ({(1, 2): 1}, "cannot be written as JSON"),
        (circular(), "cannot be written as JSON"),
        ({"x": "a\0b"}, "u0000"),
        ({"a\0b": 1}, "u0000"),
        ({"x": "\\\\\0"}, "u0000"),
        ({"x": "\ud800"}, "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ({"x": "a" * 65536}, "65544 bytes"),
        ({"x": "ü" * 32768}, "bytes"),
        (deep(65), "nested"),
        (deep(100_000), "nested"),
        ([1, 2], "must be a dict"),
        ("text", "must be a dict"),
        (0, "must be a dict"),
    ],
)
def test_bad_data(data: Any, words: str) -> None:
    with pytest.raises(InvalidEvent, match=words):
        encode(data=data)


@pytest.mark.parametrize(
    "data",
    [
        {"x": "a" * (65536 - len('{"x":""}'))},
        {"x": "\\u0000 written out is no NUL"},
        {"x": "\\\\u0000"},
        {"x": "[{" * 200},
        {"x": '\\"[' * 200},
        deep(64),
        {"many": [[] for _ in range(200)]},
        None,
        {},
    ],
)
def test_data_at_the_edge(data: Any) -> None:
    assert encode(data=data)["data"] == (data or {})


@pytest.mark.parametrize(
    "fields",
    [
        {"severity": "fatal"},
        {"severity": None},
        {"task_id": ""},
        {"task_id": "x" * 129},
        {"task_id": 7},
        {"trace_id": "\0"},
        {"trace_id": "\ud800"},
        {"time": datetime(2026, 1, 1)},  # noqa: DTZ001  what is being refused
        {"time": "2026-01-01T00:00:00"},
        {"time": "yesterday"},
        {"time": 1_700_000_000},
    ],
)
def test_bad_fields(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        encode(**fields)


def test_times_become_utc_with_microseconds() -> None:
    berlin = timezone(timedelta(hours=1))
    moment = datetime(2026, 11, 23, 11, 0, 0, 123456, berlin)
    assert encode(time=moment)["time"] == "2026-11-23T10:00:00.123456Z"
    assert encode(time="2026-11-23T10:00:00Z")["time"] == "2026-11-23T10:00:00.000000Z"
    before = datetime.now(UTC)
    assert before <= datetime.fromisoformat(encode()["time"]) <= datetime.now(UTC)


def test_metrics_are_finite_numbers() -> None:
    check_metrics({"a": 1, "b": -0.5})
    bad: list[dict[str, Any]] = [{}, {"a": True}, {"a": "1"}, {"a": float("nan")}, {"a": None}]
    for numbers in bad:
        with pytest.raises(InvalidEvent):
            check_metrics(numbers)


def test_only_debug_logs_and_metrics_are_droppable() -> None:
    assert is_droppable("agent.metric", "error")
    assert is_droppable("agent.log", "debug")
    assert not is_droppable("agent.log", "info")
    assert not is_droppable("tool.called", "debug")


def test_the_limit_of_the_server_counts() -> None:
    encode_object("data", {"x": "a"}, 9)
    with pytest.raises(InvalidEvent, match="at most 8"):
        encode_object("data", {"x": "a"}, 8)
