"""Identifiers that we make: UUIDv7 (RFC 9562), ordered by time within a process."""

from __future__ import annotations

import os
import re
import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

_last = [0]
_UUID7 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)


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
    if _UUID7.fullmatch(text) is None:
        return None
    milliseconds = int(text[:8] + text[9:13], 16)
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def secret_text(size: int = 32) -> str:
    """A random secret of ``size`` bytes in URL-safe letters."""
    return secrets.token_urlsafe(size)
