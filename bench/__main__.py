"""The command: starts its own servers, says what it does, ends with one line of JSON."""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

from bench import pipeline
from bench.report import finish, say
from launcher.stack import Stack


def main() -> None:
    """Run one bench."""
    parser = argparse.ArgumentParser(
        prog="script/bench", description="Measure Telltale on this machine."
    )
    parser.add_argument("name", choices=sorted(BENCHES), help="what to measure")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a run (default 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="telltale-bench-", ignore_cleanup_errors=True) as data:
        say("starting PostgreSQL, Valkey, web, worker and clock, as script/server does …")
        with Stack(data, port=0, demo=False) as stack:
            finish(options.name, BENCHES[options.name](stack, options.seconds))


def _pipeline(stack: Stack, seconds: float) -> dict[str, Any]:
    pipeline.run(stack, seconds=2, per_frame=1)
    return {
        "one_a_frame": pipeline.run(stack, seconds=seconds, per_frame=1),
        "twenty_a_frame": pipeline.run(stack, seconds=seconds, per_frame=20),
    }


BENCHES = {"pipeline": _pipeline}

if __name__ == "__main__":
    main()
