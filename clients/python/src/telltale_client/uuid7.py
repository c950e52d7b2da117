"""UUIDv7 identifiers (RFC 9562) that only ever grow within a process."""

from __future__ import annotations

import os
import random
import threading
import time

_TAIL_BITS = 74  # everything but the 48 bits of milliseconds, the version and the variant
_LOW = (1 << 62) - 1


class Uuid7Source:
    """Makes identifiers: milliseconds, then 74 random bits that grow within a millisecond."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Start over with a fresh seed and lock: for a forked child, which has copies of both."""
        self._lock = threading.Lock()
        self._draw = random.Random(os.urandom(32)).getrandbits
        self._milliseconds = 0
        self._tail = 0

    def __call__(self) -> str:
        """A new identifier, greater than every one before it, also when the clock goes back."""
        now = time.time_ns() // 1_000_000
        with self._lock:
            if now > self._milliseconds:
                self._milliseconds = now
                # The top bit stays clear, which leaves room for 2**40 steps before an overflow.
                self._tail = self._draw(_TAIL_BITS - 1)
            else:
                self._tail += 1 + self._draw(32)
            milliseconds, tail = self._milliseconds, self._tail
        high = milliseconds << 16 | 0x7000 | tail >> 62
        text = f"{high << 64 | 1 << 63 | tail & _LOW:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


uuid7 = Uuid7Source()
