"""Taking a frame or a body apart when a strict decoder refuses it as a whole.

A lone surrogate or deep nesting in one item makes msgspec refuse all of them; the items are then
cut out as text, and each is judged by itself.
"""

from __future__ import annotations

import re

from app.domain.json_text import split_container

_ITEMS = re.compile(rb'\A"items"\s*:\s*(?=\[)')


def items_of_frame(frame: bytes) -> tuple[bytes, list[bytes]] | None:
    """An events frame without its items, and the items as written; None if it has none."""
    members = split_container(frame)
    for index, member in enumerate(members):
        match = _ITEMS.match(member)
        if match is not None:
            others = [*members[:index], b'"items":[]', *members[index + 1 :]]
            return b"{" + b",".join(others) + b"}", split_container(member[match.end() :])
    return None
