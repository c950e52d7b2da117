"""Identifiers that we make: UUIDv7 (RFC 9562), ordered by time within a process."""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

_last = [0]


def uuid7() -> UUID:
    """A new UUIDv7. Two calls in one process never return the same or go backwards."""
    # 48 bits of milliseconds and 12 bits of the fraction below (RFC 9562, method 3).
    nanoseconds = time.time_ns()
    stamp = (nanoseconds // 1_000_000) << 12 | (nanoseconds % 1_000_000) * 4096 // 1_000_000
    _last[0] = stamp = max(stamp, _last[0] + 1)
    random = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    high = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
    return UUID(int=high << 64 | 0x8000_0000_0000_0000 | random)


def uuid7_time(text: str) -> datetime | None:
    """The moment inside a UUIDv7, to the millisecond; None if the text is not one."""
    if len(text) != 36 or text[14] != "7" or text[8] != "-" or text[23] != "-":
        return None
    try:
        milliseconds = int(text[:8] + text[9:13], 16)
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def secret_text(size: int = 32) -> str:
    """A random secret of ``size`` bytes in URL-safe letters."""
    return secrets.token_urlsafe(size)
