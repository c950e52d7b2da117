"""``script/bench``: makes the checkout ready, then becomes the benchmark."""

from __future__ import annotations

import os

from launcher import dashboard, environment
from launcher.command import ROOT


def main(words: list[str]) -> int:
    """Set up and measure; does not return unless something is wrong."""
    with environment.only_one():
        environment.ensure()
        dashboard.build()
    os.chdir(ROOT)
    python = str(environment.PYTHON)
    os.execv(python, [python, "-m", "bench", *words])
