"""The command: starts its own servers, says what it does, ends with one line of JSON."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from typing import Any

from bench import catch_up, fan_out, history, idle, latency, pipeline, rest, sockets
from bench.report import finish, say
from launcher.stack import Stack

BENCHES: dict[str, tuple[Callable[[Stack, float], dict[str, Any]], str]] = {
    "pipeline": (pipeline.run, "throughput: sent → committed → shown"),
    "latency": (latency.run, "sent → shown at 1,000 events/s, and after an idle minute"),
    "sockets": (sockets.run, "10,000 agents on one web process"),
    "fanout": (fan_out.run, "one stream to 500 dashboards"),
    "idle": (idle.run, "what it costs while nobody is connected"),
    "rest": (rest.run, "tasks created, configurations read, and the events beside that"),
    "history": (history.run, "projections rebuilt from a million events, and the past looked up"),
    "catchup": (catch_up.run, "a dashboard back after 100,000 events"),
}


def main() -> None:
    """Run one bench."""
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure Telltale on this machine, on servers of its own.",
        epilog="\n".join(f"{name:<10}{what}" for name, (_, what) in BENCHES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=BENCHES, help="what to measure")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a run (default 10)")
    options = parser.parse_args()
    bench, _ = BENCHES[options.name]
    with tempfile.TemporaryDirectory(prefix="telltale-bench-", ignore_cleanup_errors=True) as data:
        say("starting PostgreSQL, Valkey, web, worker and clock, as script/server does …")
        with Stack(data, port=0, demo=False) as stack:
            finish(options.name, bench(stack, options.seconds))


if __name__ == "__main__":
    main()
