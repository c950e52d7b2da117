"""What an agent was told to do on its connection, and how much of it is unanswered."""

from __future__ import annotations

from typing import Final
from uuid import UUID

MAX_UNANSWERED: Final = 100
MAX_UNANSWERED_BYTES: Final = 256 * 1024
"""Commands that are on their way to one agent; the rest waits in PostgreSQL for its answers."""

MAX_ANSWERED: Final = 1000
"""Answered commands that are remembered: an answer takes its time until PostgreSQL has it."""


class Told:
    """``config_version`` is that of the configuration it has, 0 for none."""

    def __init__(self) -> None:
        self.config_version = 0
        self.more = False
        """Something had to wait for answers."""
        self._unanswered: dict[UUID, int] = {}
        self._bytes = 0
        self._answered: dict[UUID, None] = {}

    def takes(self, command_id: UUID, size: int) -> bool:
        """Whether this command is to be sent now: it is new, and there is room. Counts it as sent.

        The first is sent however large it is.
        """
        if command_id in self._unanswered or command_id in self._answered:
            return False
        full = len(self._unanswered) >= MAX_UNANSWERED
        if full or (self._unanswered and self._bytes + size > MAX_UNANSWERED_BYTES):
            self.more = True
            return False
        self._unanswered[command_id] = size
        self._bytes += size
        return True

    def answered(self, command_id: UUID) -> None:
        """The agent has said that it has this command."""
        if command_id in self._unanswered:
            self._bytes -= self._unanswered.pop(command_id)
            self._answered[command_id] = None
            if len(self._answered) > MAX_ANSWERED:
                del self._answered[next(iter(self._answered))]
