"""How many events to read at once: many small ones, few large ones, about as many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST_EVENTS: Final = 128
FEWEST_EVENTS: Final = 16
PAGE_BYTES: Final = 2 * 1024 * 1024


@dataclass(slots=True)
class PageSize:
    """The size of the next page, learnt from the pages before. An event may have 64 KiB."""

    most: int
    events: int = FIRST_EVENTS

    def __post_init__(self) -> None:
        self.events = min(self.events, self.most)

    def learn(self, events: int, size: int) -> None:
        """A page of so many events had ``size`` bytes."""
        if events:
            fitting = PAGE_BYTES * events // max(1, size)
            self.events = min(self.most, max(FEWEST_EVENTS, fitting))
