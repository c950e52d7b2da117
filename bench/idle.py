"""Idle: what everything together costs while nobody is connected."""

from __future__ import annotations

import time
from typing import Any

from bench.processes import cpu_seconds
from bench.report import say
from launcher.stack import Stack


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """Percent of one core, in all and for each part."""
    time.sleep(5)
    say(f"nobody is connected for {max(20.0, seconds):g} s …")
    before = cpu_seconds(stack)
    started = time.monotonic()
    time.sleep(max(20.0, seconds))
    elapsed = time.monotonic() - started
    after = cpu_seconds(stack)
    parts = {name: round((after[name] - before[name]) / elapsed * 100, 2) for name in after}
    total = round(sum(parts.values()), 2)
    say(f"{total} % of one core: {parts}")
    return {"percent_of_a_core": total, **parts}
