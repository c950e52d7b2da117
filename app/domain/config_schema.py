"""The JSON Schema (draft 2020-12) that a project's configurations must meet.

Whoever writes a schema decides how long it takes to check a value by it. So references stay inside
the schema and do not go in circles, what they unfold to is counted, and patterns are those of a
regular expression engine that is linear in time (docs/decisions/config-schema.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

import jsonschema_rs
import msgspec

from app.domain.configuration import pointer

MAX_PARTS: Final = 1000
"""Objects and arrays of a schema, those behind each reference counted again."""

MAX_ERRORS: Final = 20
MAX_WORK: Final = 10_000
"""Parts of a schema times those of a value. An error that is found costs a hundred times as much as
a look; beyond, only the first is looked for.
"""

MAX_DETAIL: Final = 300
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_REFUSED_WORDS: Final = ("$dynamicRef", "$recursiveRef")
_PATTERNS: Final = jsonschema_rs.RegexOptions(size_limit=1_000_000, dfa_size_limit=1_000_000)

Errors = list[dict[str, str]]
"""``[{"pointer", "detail"}]``"""


class SchemaRefused(Exception):
    """It is no JSON Schema, or not one that a value can be checked by in bounded time."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.errors: Errors = [{"pointer": pointer or "/", "detail": detail[:MAX_DETAIL]}]


def check_schema(schema: Any) -> None:
    """Whether configurations can be checked by this schema.

    Raises:
        SchemaRefused: says where it is wrong, and how.
    """
    if not isinstance(schema, dict):
        raise SchemaRefused("", "It must be an object.")
    if schema.get("$schema", DRAFT) != DRAFT:
        raise SchemaRefused("/$schema", f"Only {DRAFT} is understood.")
    _Unfolding(schema).count(schema, "", ())
    try:
        _validator(schema)
    except jsonschema_rs.ValidationError as error:
        raise SchemaRefused(pointer(error.instance_path), error.message) from None
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise SchemaRefused("", str(error).split("\n")[0]) from None


def violations(schema: bytes, value: Any) -> Errors:
    """Where a value breaks a schema that was checked: at most 20 places, only the first of them if
    finding all would take long. Empty if it breaks nothing.
    """
    validator, parts = _compiled(schema)
    if validator.is_valid(value):
        return []
    found: Iterable[jsonschema_rs.ValidationError]
    if parts * msgspec.json.encode(value).count(b",") <= MAX_WORK:
        found = islice(validator.iter_errors(value), MAX_ERRORS)
    else:
        found = _first(validator, value)
    return [
        {"pointer": pointer(error.instance_path) or "/", "detail": error.message[:MAX_DETAIL]}
        for error in found
    ]


def _first(
    validator: jsonschema_rs.Draft202012Validator, value: Any
) -> list[jsonschema_rs.ValidationError]:
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return [error]
    return []


@lru_cache(maxsize=64)
def _compiled(schema: bytes) -> tuple[jsonschema_rs.Draft202012Validator, int]:
    """A validator, and of how many parts its schema is."""
    decoded = msgspec.json.decode(schema)
    unfolding = _Unfolding(decoded)
    unfolding.count(decoded, "", ())
    return _validator(decoded), unfolding.parts


def _validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        schema, validate_formats=True, offline=True, pattern_options=_PATTERNS
    )


class _Unfolding:
    """Counts what a schema becomes when each reference is replaced by what it refers to."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self.parts = 0

    def count(self, part: Any, at: str, inside: tuple[str, ...]) -> None:
        """Count this part. ``inside`` are the references that led here."""
        if not isinstance(part, dict | list):
            return
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise SchemaRefused("", f"It unfolds to more than {MAX_PARTS} parts.")
        named = enumerate(part) if isinstance(part, list) else part.items()
        for name, inner in named:
            deeper = at + pointer([name])
            if isinstance(inner, str):
                self._word(str(name), inner, deeper, inside)
            else:
                self.count(inner, deeper, inside)

    def _word(self, name: str, value: str, at: str, inside: tuple[str, ...]) -> None:
        if name in _REFUSED_WORDS or (name == "$id" and at != "/$id"):
            raise SchemaRefused(at, f"{name} is not understood here.")
        if name != "$ref":
            return
        if value in inside:
            raise SchemaRefused(at, "This reference goes in a circle.")
        self.count(self._referred(value, at), value.removeprefix("#"), (*inside, value))

    def _referred(self, reference: str, at: str) -> Any:
        if reference == "#":
            raise SchemaRefused(at, "This reference goes in a circle.")
        if not reference.startswith("#/"):
            raise SchemaRefused(at, "References begin with #/: they stay inside the schema.")
        found: Any = self._schema
        for step in reference[2:].split("/"):
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, dict) and name in found:
                found = found[name]
            else:
                raise SchemaRefused(at, "There is nothing that it refers to.")
        return found
