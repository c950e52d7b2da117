"""Latency: sent → committed → shown, at a steady rate, and the first event after a quiet minute."""

from __future__ import annotations

import statistics
import time
from typing import Any

from bench.fleet import Crowd, SimulatedAgent, join, leave
from bench.report import say
from bench.watcher import Seen, Watcher
from launcher.stack import Stack

AGENTS = 100
EVENTS_PER_S = 1000
IDLE_S = 60.0


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """A steady run, then silence, then one event. Milliseconds."""
    watcher = Watcher(stack.url, stack.admin_key, latencies=True)
    agents = join(stack.url, stack.admin_key, AGENTS, prefix="steady")
    crowd = Crowd(agents)
    say(f"{AGENTS} agents, {EVENTS_PER_S} events/s for {seconds:g} s …")
    steadily(crowd, agents, EVENTS_PER_S, 2.0)
    warm = watcher.wait_for(2 * EVENTS_PER_S, 10, lambda: crowd.listen(0.02))
    sent = steadily(crowd, agents, EVENTS_PER_S, seconds)
    seen = watcher.wait_for(warm.events + sent, 20, lambda: crowd.listen(0.02))
    result = percentiles(seen, warm.events)
    say(f"sent → shown: p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms")
    say(f"nobody sends for {IDLE_S:g} s …")
    quiet_until = time.monotonic() + IDLE_S
    while time.monotonic() < quiet_until:
        crowd.listen(1.0)
    crowd.send(agents[0], 1, 1)
    last = watcher.wait_for(seen.events + 1, 10, lambda: crowd.listen(0.005))
    first_ms = (last.latencies_ms or [0.0])[-1]
    say(f"the first event then: {first_ms:.1f} ms")
    watcher.stop()
    leave(agents)
    return {
        **result,
        "sent": sent,
        "shown": seen.events - warm.events,
        "after_idle_ms": round(first_ms, 1),
    }


def steadily(crowd: Crowd, agents: list[SimulatedAgent], events_per_s: int, seconds: float) -> int:
    """Send one event after the other, evenly spaced, the agents in turn; returns how many."""
    started = time.perf_counter()
    sent = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        due = int(elapsed * events_per_s)
        while sent < due:
            crowd.send(agents[sent % len(agents)], 1, 1)
            sent += 1
        crowd.listen(max(0.0, (sent + 1) / events_per_s - (time.perf_counter() - started)))
    return sent


def percentiles(seen: Seen, skip: int = 0) -> dict[str, float]:
    """p50 and p99 of what was seen, in milliseconds, without the first ``skip``."""
    latencies = (seen.latencies_ms or [])[skip:]
    if len(latencies) < 2:
        return {"p50_ms": 0.0, "p99_ms": 0.0}
    cuts = statistics.quantiles(latencies, n=100)
    return {"p50_ms": round(cuts[49], 1), "p99_ms": round(cuts[98], 1)}
