"""Schemas of configurations: what is refused of them, and what they refuse."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from app.domain.config_schema import MAX_ERRORS, SchemaRefused, check_schema, violations


def nested(levels: int) -> dict[str, Any]:
    """A schema that doubles with each level."""
    defs: dict[str, Any] = {"l0": {"type": "integer"}}
    for level in range(1, levels + 1):
        below = {"$ref": f"#/$defs/l{level - 1}"}
        defs[f"l{level}"] = {"anyOf": [below, dict(below)]}
    return {"$defs": defs, "$ref": f"#/$defs/l{levels}"}


@pytest.mark.parametrize(
    ("schema", "pointer", "word"),
    [
        ([], "/", "object"),
        ({"type": "strin"}, "/type", "strin"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum", "number"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema", "2020-12"),
        ({"$ref": "https://example.com/schema"}, "/$ref", "inside"),
        ({"$ref": "other.json"}, "/$ref", "inside"),
        ({"$ref": "#/$defs/none"}, "/$ref", "nothing"),
        ({"$ref": "#"}, "/$ref", "circle"),
        ({"properties": {"a/b": {"$ref": "#"}}}, "/properties/a~1b/$ref", "circle"),
        (
            {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
            "/$defs/a/items/$ref",
            "circle",
        ),
        ({"$dynamicRef": "#x"}, "/$dynamicRef", "understood"),
        ({"items": {"$id": "https://example.com/"}}, "/items/$id", "understood"),
        ({"pattern": "(?=a)b"}, "/pattern", "regex"),
        ({"pattern": "("}, "/pattern", "regex"),
        (nested(30), "/", "unfolds"),
        ({"enum": [[]] * 2000}, "/", "unfolds"),
    ],
)
def test_schemas_that_are_refused(schema: Any, pointer: str, word: str) -> None:
    with pytest.raises(SchemaRefused) as refused:
        check_schema(schema)
    [error] = refused.value.errors
    assert error["pointer"] == pointer
    assert word in error["detail"]


def broken(schema: dict[str, Any], value: Any) -> list[str]:
    check_schema(schema)
    return [error["pointer"] for error in violations(json.dumps(schema).encode(), value)]


def test_what_a_value_breaks_is_pointed_at() -> None:
    schema = {
        "type": "object",
        "properties": {
            "speed": {"$ref": "#/$defs/small"},
            "a/b": {"items": {"type": "integer"}},
            "$ref": {"type": "string"},
            "mail": {"format": "email"},
        },
        "required": ["speed"],
        "$defs": {"small": {"type": "integer", "maximum": 9}},
    }
    assert broken(schema, {"speed": 3, "a/b": [1], "$ref": "x", "mail": "a@b.example"}) == []
    assert broken(schema, {"speed": 10}) == ["/speed"]
    assert broken(schema, {"speed": 1, "a/b": [1, "x"]}) == ["/a~1b/1"]
    assert broken(schema, {"speed": 1, "mail": "nobody"}) == ["/mail"]
    assert broken(schema, {}) == ["/"]
    assert broken(schema, 5) == ["/"]


def test_errors_are_few_and_short() -> None:
    schema = b'{"items":{"maxLength":1}}'
    found = violations(schema, ["x" * 5000] * 100)
    assert len(found) == MAX_ERRORS
    # Each of these errors would carry the errors of all branches with it.
    many = json.dumps({"items": {"anyOf": [{"type": "string"}] * 490}}).encode()
    assert [error["pointer"] for error in violations(many, [1] * 32_000)] == ["/0"]
    assert all(len(error["detail"]) <= 300 for error in found)


@pytest.mark.parametrize("pattern", ["^(a+)+$", "a*a*a*a*a*b", "(a|a)*c", "^(([a-z])+.)+[A-Z]$"])
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    began = time.monotonic()
    assert broken({"pattern": pattern}, "a" * 60_000 + "!") == ["/"]
    assert time.monotonic() - began < 1
