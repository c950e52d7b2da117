"""What a sender of events is told: what was taken, and what was not."""

from __future__ import annotations

import msgspec


class Refused(msgspec.Struct):
    """One item of a batch that is not in."""

    index: int
    id: str | None
    code: str
    detail: str


class Receipt(msgspec.Struct, omit_defaults=True):
    """The answer: what was taken. ``stored`` is there when it was waited for."""

    accepted: int
    duplicates: int
    rejected: list[Refused]
    stored: bool = False
