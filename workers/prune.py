"""Pruning: what is past its time, from answers kept for retries to tasks that ended long ago."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

from sqlalchemy import Engine

from app.core import clock, metrics
from app.settings import Settings
from app.storage import audit, commands, idempotency, pruning

AGAIN_S: Final = 5.0
"""Ten thousand rows of what is written most go in a step, two thousand a second: more than are ever
written. Of configurations, tasks and agents it is a thousand.
"""

REST_S: Final = 60.0
"""The pause once nothing is left."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long, or how many, of each are kept. ``agents`` is None if they are kept for ever."""

    audit: timedelta
    commands: timedelta
    configs: timedelta
    config_versions: int
    tasks: timedelta
    agents: timedelta | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        return cls(
            timedelta(days=settings.audit_days),
            timedelta(days=settings.retention_days),
            timedelta(days=settings.config_history_days),
            settings.config_history_versions,
            # Before, their events may still stand and keep them: there is no use in looking.
            timedelta(days=max(settings.task_days, settings.retention_days)),
            timedelta(days=settings.agent_days) if settings.agent_days else None,
        )


class Prune:
    """Works in the clock, in bounded steps: each minute, each five seconds while there is more."""

    def __init__(self, engine: Engine, kept: Kept) -> None:
        self._engine = engine
        self._kept = kept
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
        now, kept = clock.now(), self._kept
        with self._engine.begin() as connection:
            forgotten = {
                "idempotency_keys": idempotency.prune(connection),
                "audit_log": audit.prune(connection, now - kept.audit),
                "commands": commands.prune(connection, now - kept.commands),
                "agent_config_history": pruning.configs(
                    connection, now - kept.configs, kept.config_versions
                ),
                "tasks": pruning.tasks(connection, now - kept.tasks),
                "agents": pruning.agents(connection, now - kept.agents) if kept.agents else 0,
            }
        for what, gone in forgotten.items():
            metrics.pruned.labels(what).inc(gone)
        return sum(forgotten.values())
