"""The time. Everything that needs "now" asks here, in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, aware, UTC, to the microsecond."""
    return datetime.now(UTC)


def now_ms() -> int:
    """The wall clock in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as protocol §1 writes it: ``2026-11-23T10:00:00.123456Z``."""
    return moment.isoformat().replace("+00:00", "Z")
