"""Two short rounds of chaos; ``python -m tests.chaos`` runs longer ones."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.chaos.faults import FAULTS, PROMISED
from tests.chaos.trial import Trial

ROUNDS = 2
OTHERS = 2
"""Faults of the other kinds in each round."""

STRIKE_FOR_S = 120.0
FIRST_SEED = int(os.environ.get("TELLTALE_CHAOS_SEED") or SystemRandom().randrange(1_000_000))


@pytest.mark.chaos
@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_nothing_that_was_stored_is_lost_doubled_or_reordered(tmp_path: Path, number: int) -> None:
    seed = FIRST_SEED + number
    tell = functools.partial(print, flush=True)  # pytest shows it when the test fails
    again = f"TELLTALE_CHAOS_SEED={FIRST_SEED}"
    tell(f"to repeat: {again}, round {number}")
    others = Random(seed).sample(sorted(FAULTS.keys() - set(PROMISED)), OTHERS)
    deadline = time.monotonic() + STRIKE_FOR_S
    trial = Trial(tmp_path, seed, tell, names=[*PROMISED, *others])
    report = trial.run(rounds=1, deadline=deadline)
    assert not report.findings, f"{again}: {report.findings}"
    late = [str(struck) for struck in report.struck if struck.late]
    assert not late, f"{again}: {late}"
    assert set(PROMISED) <= {struck.name for struck in report.struck}
