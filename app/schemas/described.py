"""What the document says of fields where their checks alone would not tell it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from marshmallow import fields

from app.schemas.access import storable

VISIBLE: Final = {"pattern": "^[!-~]*$"}
"""Visible ASCII."""
NO_NUL: Final = {"pattern": "^[^\\u0000]*$"}
ONE_LINE: Final = {
    "pattern": r"^\S(.*\S)?$",
    "description": "One line of printable characters, without blanks around it.",
}
CURSOR: Final = {"description": "`next` of the page before."}


def several(words: Iterable[str]) -> dict[str, str]:
    """Some of these words, with commas between."""
    one = "|".join(words)
    return {
        "pattern": f"^(({one})(,({one}))*)?$",
        "description": "One or several, with commas between.",
    }


def whole_pattern(_: Any, field: fields.Field[Any], *, ret: dict[str, Any], **__: Any) -> Any:
    r"""Python's patterns match from the start and to ``\Z``; JSON Schema's look anywhere."""
    pattern = ret.get("pattern")
    if pattern is None or "pattern" in field.metadata:
        return {}
    return {"pattern": "^" + pattern.removesuffix(r"\Z") + "$"}


def stored_text(_: Any, field: fields.Field[Any], *, ret: dict[str, Any], **__: Any) -> Any:
    """What PostgreSQL's text can hold."""
    return NO_NUL if storable in field.validators and "pattern" not in ret else {}
