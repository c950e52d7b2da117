"""Looking at JSON as text, where a decoder would either refuse the whole or change the bytes."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
# A string that never ends is one token too, and nothing is tried twice: hostile text must not take
# longer than its length.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{},]', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_VALUE = re.compile(rb'\s*+:\s*+("(?:[^"\\]++|\\.)*+")', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_ONE_KIND = bytes.maketrans(b"{}", b"[]")

MAX_LOOKED_AT: Final = 2000
"""Strings, brackets and commas that are looked at for one member: more would take long."""


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
    """Whether objects and arrays in valid JSON are nested more than ``limit`` deep.

    Without its strings, its values and the difference between the two kinds, the text is brackets;
    taking out the innermost pairs makes it one level flatter. All of it is done by the C functions
    of bytes: walking over the brackets takes a hundred times as long.
    """
    brackets = _STRING.sub(b"", raw).translate(_ONE_KIND, _NO_BRACKETS)
    if b"[" * (limit + 1) in brackets:
        return True
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def string_member(raw: bytes, name: bytes) -> bytes | None:
    """The string that an object has by this name, as it is written; None if there is none nearby.

    For text that a decoder refuses. Of a name that comes twice it takes the first.
    """
    depth = 0
    at_name = False
    quoted = b'"%s"' % name
    for match in islice(_TOKEN.finditer(raw), MAX_LOOKED_AT):
        token = match.group()
        if depth == 0 and token != b"{":
            return None
        if token in (b"{", b"["):
            depth += 1
            at_name = depth == 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif token == b",":
            at_name = depth == 1
        elif at_name:
            value = _VALUE.match(raw, match.end()) if token == quoted else None
            if value is not None:
                return value.group(1)
            at_name = False
    return None


def split_container(raw: bytes, most: int | None = None) -> list[bytes]:
    """The members of the outermost array or object, as the bytes between its commas.

    For bodies that a strict decoder refuses as a whole because of one member. What the members
    hold is not checked. Returns an empty list if ``raw`` is not one such container, whole. With
    ``most`` it stops after so many members and one more. It looks at every bracket and comma: of
    5 MiB of nothing else that takes seconds.
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
            if most is not None and len(parts) > most:
                return parts
    return []
