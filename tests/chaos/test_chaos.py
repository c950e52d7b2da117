"""A short round of chaos; ``python -m tests.chaos`` runs longer ones, and more of them."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.chaos.faults import FAULTS, PROMISED
from tests.chaos.trial import Trial

OTHERS = 3
"""Faults of the other kinds, beside every one that is promised to be survived."""

STRIKE_FOR_S = 200.0
SEED = int(os.environ.get("TELLTALE_CHAOS_SEED") or SystemRandom().randrange(1_000_000))


@pytest.mark.chaos
@pytest.mark.timeout(360)
def test_nothing_that_was_stored_is_lost_doubled_or_reordered(tmp_path: Path) -> None:
    tell = functools.partial(print, flush=True)  # pytest shows it when the test fails
    again = f"TELLTALE_CHAOS_SEED={SEED}"
    tell(f"to repeat: {again}")
    others = Random(SEED).sample(sorted(FAULTS.keys() - set(PROMISED)), OTHERS)
    deadline = time.monotonic() + STRIKE_FOR_S
    trial = Trial(tmp_path, SEED, tell, names=[*PROMISED, *others])
    report = trial.run(rounds=1, deadline=deadline)
    assert not report.findings, f"{again}: {report.findings}"
    late = [str(struck) for struck in report.struck if struck.late]
    assert not late, f"{again}: {late}"
    assert set(PROMISED) <= {struck.name for struck in report.struck}
