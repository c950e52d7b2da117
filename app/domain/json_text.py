"""Looking at JSON as text, where a decoder would either refuse the whole or change the bytes."""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
# A string that never ends is one token too, and nothing is tried twice: hostile text must not take
# longer than its length.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)


def holds_unstorable_text(raw: bytes) -> bool:
    """Whether a string in valid JSON holds an escaped NUL or half of a surrogate pair."""
    expected_low_at = -1
    for match in _ESCAPE.finditer(raw):
        digits = match.group(1)
        unit = int(digits, 16) if digits else -1
        if expected_low_at >= 0:
            if match.start() != expected_low_at or not 0xDC00 <= unit <= 0xDFFF:
                return True
            expected_low_at = -1
        elif unit == 0 or 0xDC00 <= unit <= 0xDFFF:
            return True
        elif 0xD800 <= unit <= 0xDBFF:
            expected_low_at = match.end()
    return expected_low_at >= 0


def depth_exceeds(raw: bytes, limit: int) -> bool:
    """Whether objects and arrays in valid JSON are nested more than ``limit`` deep."""
    depth = 0
    for match in _TOKEN.finditer(raw):
        token = match.group()
        if token in b"{[":
            depth += 1
            if depth > limit:
                return True
        elif token in b"}]":
            depth -= 1
    return False


def split_container(raw: bytes) -> list[bytes]:
    """The members of the outermost array or object, as the bytes between its commas.

    For bodies that a strict decoder refuses as a whole because of one member. What the members
    hold is not checked. Returns an empty list if ``raw`` is not one such container, whole.
    """
    parts: list[bytes] = []
    depth = 0
    start = 0
    for match in _TOKEN.finditer(raw):
        token = match.group()
        if token in (b"{", b"["):
            depth += 1
            if depth == 1:
                if raw[: match.start()].strip():
                    return []
                start = match.end()
        elif token in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                if raw[match.end() :].strip():
                    return []
                last = raw[start : match.start()].strip()
                return [*parts, last] if last or parts else []
        elif token == b"," and depth == 1:
            parts.append(raw[start : match.start()].strip())
            start = match.end()
    return []
