"""What a dashboard has shown: every event with its place, judged at once and again at the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from random import Random

from app.domain.cursor import Cursor
from tests.chaos.diary import Complaints
from tests.chaos.wire import Frame

Place = tuple[int, int, str]
"""Partition, offset, event id."""


class Watcher(threading.Thread):
    """A dashboard of some kind. ``wants`` says which events its filter lets through.

    Its lifetime begins behind ``start``, and ``cursor`` says how far it has come.
    """

    def __init__(
        self,
        name: str,
        urls: list[str],
        key: str,
        random: Random,
        complaints: Complaints,
        wants: Callable[[Frame], bool] | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.start_cursor: Cursor | None = None
        self.cursor: str | None = None
        self.shown: list[Place] = []
        self.latest_shown = 0.0
        """When the youngest of the events that were shown was made."""
        self.latest_shown_at = 0.0
        self.wants = wants
        self._urls, self._key, self._random, self._complaints = urls, key, random, complaints
        self._ended = threading.Event()
        self._places: dict[int, int] = {}

    def end(self) -> None:
        """Leave for good."""
        self._ended.set()

    def begin(self, cursor: str) -> None:
        """The lifetime begins behind this cursor."""
        self.cursor = cursor
        self.start_cursor = Cursor.parse(cursor)
        self._places = dict(enumerate(self.start_cursor.offsets))

    def complain(self, what: str) -> None:
        """Write down what should not have happened."""
        self._complaints.add(self.name, what)

    def show(self, items: Sequence[Frame], cursor: str) -> None:
        """Take a page of events and the cursor behind them, both or neither."""
        for item in items:
            partition, offset = item["partition"], item["offset"]
            last = self._places.get(partition, 0)
            if offset <= last:
                self.complain(f"partition {partition}: {offset} came again, after {last}")
            elif self.wants is None and offset != last + 1:
                self.complain(f"partition {partition}: {last + 1}..{offset - 1} were left out")
            elif self.wants is not None and not self.wants(item):
                self.complain(f"{item['id']} does not match the filter")
            self._places[partition] = max(offset, last)
            self.shown.append((partition, offset, item["id"]))
            self.latest_shown = max(self.latest_shown, item["data"].get("at", 0.0))
        if items:
            self.latest_shown_at = time.monotonic()
        self.cursor = cursor
