"""How far the partitions are, by PostgreSQL; and whether it has lost what it had committed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from app.core import metrics
from app.core.logging import get_logger
from app.domain.batch import PartitionState
from app.storage import partitions

log = get_logger(__name__)


def read_heads(engine: Engine, epoch: str, seen: Sequence[int]) -> list[PartitionState]:
    """The partitions' states; those of a new epoch if history has gone back.

    ``seen`` are heads of ``epoch`` from before this call, and so were committed before it: a head
    behind them can only mean a loss (docs/decisions/history-going-back.md).

    Raises:
        sqlalchemy.exc.SQLAlchemyError: PostgreSQL is out of reach.
    """
    with engine.connect() as connection:
        states = partitions.states(connection)
    if not any(s.epoch == epoch and s.head < seen[s.partition] for s in states):
        return states
    with engine.begin() as connection:
        if partitions.renew_epoch_if_behind(connection, epoch, seen) is not None:
            metrics.epochs_renewed.labels("hub").inc()
            log.error("history_went_back", heads=[s.head for s in states], seen=list(seen))
        return partitions.states(connection)
