"""Many sockets: 10,000 agents on one web process, a thousand events a second among them."""

from __future__ import annotations

import resource
from typing import Any

from bench.fleet import Crowd, join, leave
from bench.latency import percentiles, steadily
from bench.processes import memory_bytes
from bench.report import say
from bench.watcher import Watcher
from launcher.stack import Stack

AGENTS = 10_000
EVENTS_PER_S = 1000


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """Memory for each socket in KB, latency in milliseconds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    agents_wanted = min(AGENTS, soft - 500)
    if agents_wanted < AGENTS:
        say(f"the limit of open files ({soft} of {hard}) allows {agents_wanted} sockets only")
    watcher = Watcher(stack.url, stack.admin_key, latencies=True)
    before = memory_bytes(stack, "web")
    say(f"connecting {agents_wanted} agents …")
    crowd = Crowd([])
    for start in range(0, agents_wanted, 500):
        count = min(500, agents_wanted - start)
        crowd.add(join(stack.url, stack.admin_key, count, prefix=f"socket-{start}"))
        # Those who came first have to give a sign of life before the last are there.
        crowd.listen(0)
    after = memory_bytes(stack, "web")
    each_kb = (after - before) / agents_wanted / 1000
    say(f"{each_kb:.1f} KB each; {EVENTS_PER_S} events/s for {seconds:g} s …")
    sent = steadily(crowd, crowd.agents, EVENTS_PER_S, seconds)
    seen = watcher.wait_for(sent, 30, lambda: crowd.listen(0.02))
    result = percentiles(seen)
    say(f"shown: p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms")
    watcher.stop()
    leave(crowd.agents)
    return {
        **result,
        "sockets": agents_wanted,
        "kb_each": round(each_kb, 1),
        "sent": sent,
        "shown": seen.events,
    }
