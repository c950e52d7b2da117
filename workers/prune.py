"""Pruning: answers kept for retries past their day, the audit log and commands past their days."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine

from app.core import clock, metrics
from app.storage import audit, commands, idempotency

AGAIN_S: Final = 5.0
"""Ten thousand rows of each go in a step: two thousand a second, more than are ever written."""

REST_S: Final = 60.0
"""The pause once nothing is left."""


class Prune:
    """Works in the clock, in bounded steps: each minute, each five seconds while there is more."""

    def __init__(self, engine: Engine, *, audit_days: int, command_days: int) -> None:
        self._engine = engine
        self._audit_kept = timedelta(days=audit_days)
        self._commands_kept = timedelta(days=command_days)
        self._next_at = float("-inf")

    def tick(self) -> None:
        """Take the next step if it is time.

        Raises:
            SQLAlchemyError: PostgreSQL is out of reach; the next step comes in its time.
        """
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + AGAIN_S
            if not self.step():
                self._next_at = time.monotonic() + REST_S

    def step(self) -> int:
        """Forget the oldest of what is past its time; how much was forgotten."""
        now = clock.now()
        with self._engine.begin() as connection:
            forgotten = {
                "idempotency_keys": idempotency.prune(connection),
                "audit_log": audit.prune(connection, now - self._audit_kept),
                "commands": commands.prune(connection, now - self._commands_kept),
            }
        for what, gone in forgotten.items():
            metrics.pruned.labels(what).inc(gone)
        return sum(forgotten.values())
