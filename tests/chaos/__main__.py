"""The long round: ``python -m tests.chaos --rounds 5 --seed 42``."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom

from tests.chaos.faults import FAULTS
from tests.chaos.trial import RESUME_PROMISE_S, Report, Trial


def main() -> int:
    """Run a trial and print what came of it; 1 if a promise was broken."""
    words = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    words.add_argument("--rounds", type=int, default=3, help="each fault once a round")
    words.add_argument("--seed", type=int, default=SystemRandom().randrange(1_000_000))
    words.add_argument("--workers", type=int, default=2, help="worker processes")
    words.add_argument("--only", nargs="+", choices=sorted(FAULTS), default=list(FAULTS))
    words.add_argument("--keep", action="store_true", help="keep the data folder and its logs")
    given = words.parse_args()
    # Agents lose their connections all the time here.
    logging.getLogger("telltale_client").setLevel(logging.ERROR)
    data = Path(tempfile.mkdtemp(prefix="telltale-chaos-"))
    started = time.monotonic()

    def tell(line: str) -> None:
        _say(f"{time.monotonic() - started:7.1f}  {line}")

    tell(f"seed {given.seed}, data in {data}")
    trial = Trial(data, given.seed, tell, names=given.only, workers=given.workers)
    try:
        report = trial.run(rounds=given.rounds)
    finally:
        if not given.keep:
            shutil.rmtree(data, ignore_errors=True)
    for line in _summary(report):
        _say(line)
    return 1 if report.findings else 0


def _summary(report: Report) -> Iterator[str]:
    times = sorted(struck.resumed_s for struck in report.struck)
    yield f"seed {report.seed}: {report.rounds} rounds, {len(times)} faults, {report.events} events"
    yield f"changes that were acknowledged: {report.changes}"
    if times:
        shares = ((share, times[int(share * (len(times) - 1))]) for share in (0.5, 0.9, 0.99, 1))
        words = "  ".join(f"p{share * 100:.0f} {value:.2f}" for share, value in shares)
        yield f"everybody's work went on so long after the part's return (s): {words}"
    for struck in report.struck:
        if struck.resumed_s > RESUME_PROMISE_S:
            yield f"  late: {struck}"
    for finding in report.findings:
        yield f"  BROKEN: {finding}"
    if not report.findings:
        yield "nothing was lost, doubled or reordered; the books balance"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is what a command is for


if __name__ == "__main__":
    sys.exit(main())
