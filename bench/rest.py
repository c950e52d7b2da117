"""REST: tasks created, configurations read, and what that costs the events beside it."""

from __future__ import annotations

import json
import statistics
import threading
from typing import Any

from bench import latency
from bench.fleet import Crowd, join, leave
from bench.report import say
from bench.requests import Answered, keep_asking, request
from bench.watcher import Watcher
from launcher.stack import Stack

CLIENTS = 32
AGENT = "rest-0"
EVENTS_PER_S = 1000
BESIDE_PER_CLIENT = 4


def run(stack: Stack, seconds: float) -> dict[str, Any]:
    """Rates in requests per second, latencies in milliseconds."""
    agents = join(stack.url, stack.admin_key, 1, prefix="rest")
    try:
        say(f"tasks created, each with a key of its own and its event, for {seconds:g} s …")
        one = keep_asking(stack.url, 1, seconds, _creation(stack, "one"))
        many = keep_asking(stack.url, CLIENTS, seconds, _creation(stack, "many"))
        _tell("one client", one)
        _tell(f"{CLIENTS} clients", many)
        _configure(stack)
        reads = keep_asking(stack.url, CLIENTS, seconds, _reading(stack))
        _tell(f"a configuration read, {CLIENTS} clients", reads)
    finally:
        leave(agents)
    return {
        "create_p50_ms": _p(one, 50),
        "create_p99_ms": _p(one, 99),
        "create_per_s": _rate(many),
        "config_reads_per_s": _rate(reads),
        **_beside(stack, seconds),
    }


def _creation(stack: Stack, run: str) -> Any:
    def make(number: int) -> bytes:
        body = json.dumps({"title": f"read page {number}", "agent_id": AGENT}).encode()
        key = f"Idempotency-Key: {run}-{number}"
        return request(stack.url, stack.admin_key, "POST", "/v1/tasks", body, key)

    return make


def _reading(stack: Stack) -> Any:
    path = f"/v1/agents/{AGENT}/config"
    message = request(stack.url, stack.admin_key, "GET", path, b"")
    return lambda _: message


def _configure(stack: Stack) -> None:
    message = request(
        stack.url,
        stack.admin_key,
        "PUT",
        f"/v1/agents/{AGENT}/config",
        json.dumps({"model": "small", "limits": {"tokens": 1000}}).encode(),
        "If-None-Match: *",
    )
    keep_asking(stack.url, 1, 0, lambda _: message)


def _beside(stack: Stack, seconds: float) -> dict[str, Any]:
    """The events' latency alone, and beside a steady load of creations."""
    watcher = Watcher(stack.url, stack.admin_key, latencies=True)
    agents = join(stack.url, stack.admin_key, 100, prefix="beside")
    crowd = Crowd(agents)
    say(f"{EVENTS_PER_S} events/s alone, then beside {BESIDE_PER_CLIENT} clients that create …")
    found = {}
    for name in ("alone", "beside"):
        creating = None
        if name == "beside":
            creating = threading.Thread(
                target=keep_asking,
                args=(stack.url, BESIDE_PER_CLIENT, seconds, _creation(stack, "beside")),
            )
            creating.start()
        before = len(watcher.seen().latencies_ms or [])
        latency.steadily(crowd, agents, EVENTS_PER_S, seconds)
        if creating is not None:
            creating.join()
        seen = watcher.wait_for(10**9, 1.0, lambda: crowd.listen(0.02))
        figures = latency.percentiles(seen, before)
        found[f"events_p50_ms_{name}"] = figures["p50_ms"]
        found[f"events_p99_ms_{name}"] = figures["p99_ms"]
    say(f"events: {found}")
    watcher.stop()
    leave(agents)
    return found


def _tell(what: str, answered: Answered) -> None:
    say(
        f"{what}: {_rate(answered):,}/s, p50 {_p(answered, 50)} ms, p99 {_p(answered, 99)} ms,"
        f" answers {answered.statuses}"
    )


def _rate(answered: Answered) -> int:
    return round(len(answered.latencies_ms) / answered.elapsed_s)


def _p(answered: Answered, percent: int) -> float:
    if len(answered.latencies_ms) < 2:
        return 0.0
    return round(statistics.quantiles(answered.latencies_ms, n=100)[percent - 1], 1)
