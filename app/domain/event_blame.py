"""What can be said of an item that is refused: its id, and the field that is to blame."""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec

from app.domain.json_text import string_member

_FIELD: Final = re.compile(r"(?: field `| at `\$\.)([^`]*)`")
"""Where msgspec names the field: missing, unknown, or of another type."""


class _Identified(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(max_length=64)]


def id_of(raw: bytes | msgspec.Raw) -> str | None:
    """The id of an item, also of one that no decoder bears as a whole; None if it has none."""
    try:
        return msgspec.json.decode(raw, type=_Identified).id
    except msgspec.ValidationError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    written = string_member(bytes(raw), b"id")
    if written is None:
        return None
    try:
        return msgspec.json.decode(b'{"id":%s}' % written, type=_Identified).id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def pointer_of(error: msgspec.ValidationError) -> str:
    """The JSON pointer of the field that an item breaks at, empty if it is the item itself."""
    found = _FIELD.search(str(error))
    if found is None:
        return ""
    return "/" + found.group(1).replace("~", "~0").replace("/", "~1")
