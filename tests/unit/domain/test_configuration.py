"""Merging and comparing configurations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.configuration import MISSING, diff, merge, same

SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.just(1.0) | st.text("a/~", max_size=2)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("base", "current", "wanted", "value", "lost"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 3}, {"a": 2, "b": 3}, {}),
        ({"a": 1}, {"a": 2}, {"a": 3}, {"a": 3}, {"/a": 2}),
        ({"a": 1}, {}, {"a": 3}, {"a": 3}, {"/a": None}),
        ({"a": 1}, {"a": 2}, {}, {}, {"/a": 2}),
        ({}, {"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}, {}),
        ({"a": {"x": 1}}, {"a": {"x": 2}}, {"a": {"x": 1}}, {"a": {"x": 2}}, {}),
        ({"a/b": [1]}, {"a/b": [2]}, {"a/b": [3]}, {"a/b": [3]}, {"/a~1b": [2]}),
        (1, 2, 3, 3, {"": 2}),
    ],
)
def test_merging(base: Any, current: Any, wanted: Any, value: Any, lost: dict[str, Any]) -> None:
    assert merge(base, current, wanted) == (value, lost)


@given(VALUES, VALUES)
def test_who_changes_nothing_overwrites_nothing(base: Any, current: Any) -> None:
    assert same(merge(base, current, base).value, current)
    assert merge(base, current, base).lost == {}
    assert same(merge(base, current, current).value, current)
    assert merge(base, current, current).lost == {}


@given(VALUES, VALUES)
def test_who_has_seen_everything_loses_nothing(base: Any, wanted: Any) -> None:
    merged = merge(base, base, wanted)
    assert same(merged.value, wanted)
    assert merged.lost == {}


@given(VALUES, VALUES, VALUES)
def test_what_the_writer_changed_is_as_the_writer_wants(
    base: Any, current: Any, wanted: Any
) -> None:
    value = merge(base, current, wanted).value
    for change in diff(base, wanted):
        if change.after is not MISSING and not isinstance(change.after, dict):
            assert same(at(value, change.path), change.after)


@given(VALUES, VALUES)
def test_a_difference_leads_from_one_to_the_other(before: Any, after: Any) -> None:
    differences = diff(before, after)
    assert (differences == []) == same(before, after)
    for change in differences:
        assert same(at(before, change.path), change.before)
        assert same(at(after, change.path), change.after)
        before = with_change(before, change.path, change.after)
    assert same(before, after)


def test_equal_is_equal_as_json() -> None:
    assert same({"a": 1, "b": [True]}, {"b": [True], "a": 1})
    assert not same(True, 1)
    assert not same(1, 1.0)
    assert [d.path for d in diff({"a": True}, {"a": 1})] == ["/a"]


def steps(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def at(value: Any, path: str) -> Any:
    for step in steps(path):
        value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
    return value


def with_change(value: Any, path: str, new: Any) -> Any:
    if not path:
        return new
    first, *rest = steps(path)
    deeper = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in rest)
    inner = with_change(value.get(first, {}), deeper, new)
    return {k: v for k, v in {**value, first: inner}.items() if v is not MISSING}
