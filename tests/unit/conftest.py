"""Hypothesis for the unit tests: a moderate number of examples, in CI the same ones every time."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "unit", max_examples=60, deadline=None, derandomize="CI" in os.environ, print_blob=True
)
settings.load_profile("unit")
