"""Hypothesis for the unit tests: a moderate number of examples, in CI the same ones every time."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Deadlines and health checks measure the machine, and tests often share theirs with other work.
settings.register_profile(
    "unit",
    max_examples=60,
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")
