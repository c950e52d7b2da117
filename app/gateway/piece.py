"""A run on its way to the log, with what its answer needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.eventlog.log import Run
from app.gateway.messages import Reject

MAX_RUN_EVENTS: Final = 1000
MAX_RUN_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Piece:
    """A run, with what its answer needs."""

    run: Run
    began: datetime
    round: int
    rejects: list[Reject] = field(default_factory=list)
    size: int = 0

    def takes(self, seq: int) -> bool:
        """Whether the item with this number may be added."""
        run = self.run
        return (
            not run.sealed
            and not run.spent
            and run.seq + len(run.records) == seq
            and len(run.records) < MAX_RUN_EVENTS
            and self.size < MAX_RUN_BYTES
        )
