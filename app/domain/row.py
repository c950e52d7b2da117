"""An event on its way from the log into PostgreSQL and onto the backplane."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from app.domain.event import Event

Identity = tuple[str, str, datetime]


class Row(msgspec.Struct, gc=False):
    """An event with its place in history."""

    project: str
    project_id: UUID
    partition: int
    offset: int
    event: Event
    record: bytes
    received_at: datetime
    received_text: str
    task_version: int | None = None
    """The version that it made its task, if it changed one."""

    @property
    def identity(self) -> Identity:
        """What makes it one event: the unique key of the table."""
        return self.project, self.event.id, self.event.time

    @property
    def timed_by_us(self) -> bool:
        """Whether the sender gave no time: sent again, it would come with another one."""
        return self.event.time == self.received_at

    def is_again(self, earlier: Row) -> bool:
        """Whether it is the same event as an earlier row of the same id. Sent twice without a time,
        an event has two: then only its id tells.
        """
        if self.project != earlier.project:
            return False
        return self.event.time == earlier.event.time or (self.timed_by_us and earlier.timed_by_us)
