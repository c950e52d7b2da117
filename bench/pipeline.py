"""Throughput: 100 agents as fast as their windows allow, sent → committed → shown."""

from __future__ import annotations

import time
from typing import Any

from bench.baseline import rows_per_second
from bench.fleet import Crowd, join, leave
from bench.processes import cpu_seconds
from bench.report import say
from bench.watcher import Watcher
from launcher.stack import Stack

AGENTS = 100
WINDOW = 400
BURST = 20
"""An agent's events go out as they come; what it has at hand goes in one write."""


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """One event a frame, then twenty, after a short warm-up."""
    measure(stack, seconds=2, per_frame=1)
    return {
        "one_a_frame": measure(stack, seconds=seconds, per_frame=1),
        "twenty_a_frame": measure(stack, seconds=seconds, per_frame=20),
    }


def measure(stack: Stack, *, seconds: float, per_frame: int) -> dict[str, Any]:
    """One run; rates in events per second."""
    say(f"{AGENTS} agents, {per_frame} event(s) a frame, {seconds:g} s …")
    watcher = Watcher(stack.url, stack.admin_key)
    agents = join(stack.url, stack.admin_key, AGENTS, prefix=f"p{per_frame}")
    crowd = Crowd(agents)
    window = WINDOW * (4 if per_frame > 1 else 1)
    burst = max(BURST, per_frame * 2)
    before = cpu_seconds(stack)
    own_before = time.process_time()
    started = time.time()
    while time.time() - started < seconds:
        crowd.listen(0)
        idle = True
        for agent in agents:
            if crowd.push(agent) and agent.sent - agent.stored + burst <= window:
                crowd.send(agent, burst, per_frame)
                idle = False
        if idle:
            crowd.listen(0.002)
    total = sum(agent.sent for agent in agents)
    seen = watcher.wait_for(total, 60, lambda: crowd.listen(0.02))
    after = cpu_seconds(stack)
    used = {name: round(after[name] - before[name], 1) for name in after}
    used["load"] = round(time.process_time() - own_before + seen.cpu_s, 1)
    elapsed = seen.last_at - started
    stored = crowd.stored
    watcher.stop()
    leave(agents)
    rate = total / elapsed
    say(f"{total} sent, {stored} stored, {seen.events} shown in {elapsed:.2f} s: {rate:,.0f}/s")
    say(f"processor seconds: {used}")
    bare = rows_per_second(stack.database_url)
    say(f"bare INSERT … unnest: {bare:,.0f} rows/s; ratio {rate / bare:.2f}")
    return {
        "events_per_s": round(rate),
        "shown": seen.events,
        "stored": stored,
        "sent": total,
        "out_of_order": seen.out_of_order,
        "bare_insert_rows_per_s": round(bare),
        "ratio": round(rate / bare, 2),
        "cpu_s": used,
    }
