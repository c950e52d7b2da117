"""Pruning: answers kept for retries past their day, the audit log and commands past their days."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine

from app.core import clock, metrics
from app.storage import audit, commands, idempotency

EVERY_S: Final = 5.0
"""Ten thousand rows of each go then: two thousand a second, more than are ever written."""


class Prune:
    """Works in the clock, one bounded step every five seconds; what is left is the next step's."""

    def __init__(self, engine: Engine, *, audit_days: int, command_days: int) -> None:
        self._engine = engine
        self._audit_kept = timedelta(days=audit_days)
        self._commands_kept = timedelta(days=command_days)
        self._stepped_at = float("-inf")

    def tick(self) -> None:
        """Take the next step if it is time.

        Raises:
            SQLAlchemyError: PostgreSQL is out of reach; the next step comes in its time.
        """
        now = time.monotonic()
        if now - self._stepped_at >= EVERY_S:
            self._stepped_at = now
            self.step()

    def step(self) -> None:
        """Forget the oldest of what is past its time."""
        with self._engine.begin() as connection:
            gone = idempotency.prune(connection)
        metrics.pruned.labels("idempotency_keys").inc(gone)
        with self._engine.begin() as connection:
            gone = audit.prune(connection, clock.now() - self._audit_kept)
        metrics.pruned.labels("audit_log").inc(gone)
        with self._engine.begin() as connection:
            gone = commands.prune(connection, clock.now() - self._commands_kept)
        metrics.pruned.labels("commands").inc(gone)
