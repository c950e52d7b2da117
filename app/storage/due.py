"""What the clock has to see to in this second, found out in one look: as a rule nothing."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

LATE_S: Final = 1.0
"""What waits longer in the outbox was not poked for, or the poke was lost."""

_LOOK: Final = text(
    "SELECT EXISTS (SELECT 1 FROM commands WHERE deadline_at < now() AND finished_at IS NULL),"
    " EXISTS (SELECT 1 FROM tasks WHERE deadline_at < now() AND finished_at IS NULL),"
    " ARRAY(SELECT DISTINCT partition FROM outbox"
    " WHERE created_at < now() - make_interval(secs => :late))"
)


class Due(NamedTuple):
    """Whether commands or tasks are past their deadline, and the partitions whose outbox waits."""

    commands: bool
    tasks: bool
    outbox: list[int]


def look(connection: Connection) -> Due:
    """What is due now."""
    return Due(*connection.execute(_LOOK, {"late": LATE_S}).one())
