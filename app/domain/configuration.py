"""An agent's configuration: any JSON value, merged field by field and compared by JSON pointers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

MISSING: Final = msgspec.UNSET
"""What a field is that is not there."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Configuration(msgspec.Struct, kw_only=True):
    """One version of an agent's configuration. ``value`` is as its writer wrote it."""

    version: int
    value: msgspec.Raw
    changed_at: datetime
    changed_by: str
    lost: msgspec.Raw | None = None
    """What a merge overwrote that its writer had not seen: JSON pointers with the lost values."""


class Merged(NamedTuple):
    """A merge's outcome; ``lost`` has the JSON pointers of what was overwritten unseen. A field
    that somebody else had removed is null there.
    """

    value: Any
    lost: dict[str, Any]


class Difference(msgspec.Struct):
    """What differs at a JSON pointer (RFC 6901). What is not there on a side is left out there."""

    path: str
    before: Any = msgspec.UNSET
    after: Any = msgspec.UNSET


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; ``true`` is not 1, and 1 is not 1.0."""
    if one is MISSING or other is MISSING:
        return one is other
    return _encode(one) == _encode(other)


def merge(base: Any, current: Any, wanted: Any) -> Merged:
    """Lay what a writer changed since its ``base`` over what is ``current``, field by field.

    What the writer left as it was stays as it is now. Where both changed the same field, the writer
    wins, being the last. Only objects have fields; anything else is taken as a whole.
    """
    lost: dict[str, Any] = {}
    return Merged(_merge(base, current, wanted, "", lost), lost)


def _merge(base: Any, current: Any, wanted: Any, path: str, lost: dict[str, Any]) -> Any:
    if same(base, wanted) or same(current, wanted):
        return current
    if isinstance(current, dict) and isinstance(wanted, dict):
        before = base if isinstance(base, dict) else {}
        merged = {
            name: _merge(
                before.get(name, MISSING),
                current.get(name, MISSING),
                wanted.get(name, MISSING),
                f"{path}/{_escaped(name)}",
                lost,
            )
            for name in {**current, **wanted}
        }
        return {name: value for name, value in merged.items() if value is not MISSING}
    if not same(base, current):
        lost[path] = None if current is MISSING else current
    return wanted


def diff(before: Any, after: Any) -> list[Difference]:
    """What differs, in the order of the pointers. Arrays are compared as a whole."""
    return sorted(_differences(before, after, ""), key=lambda difference: difference.path)


def _differences(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if same(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            deeper = f"{path}/{_escaped(name)}"
            yield from _differences(before.get(name, MISSING), after.get(name, MISSING), deeper)
        return
    yield Difference(path, before, after)


def pointer(steps: list[str | int]) -> str:
    """The JSON pointer of a path of names and indices."""
    return "".join(f"/{_escaped(str(step))}" for step in steps)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
