"""A dashboard: takes frames as they come, and keeps the cursor with which it resumes."""

from __future__ import annotations

from app.domain.cursor import Cursor
from tests.unit.stream.history import PARTITIONS, History, Wanted
from tests.unit.stream.process import Connection, Frame, Process


class Viewer:
    """``seen`` is every event shown since the snapshot at ``start``, by partition and in order."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.cursor: Cursor | None = None
        self.start: Cursor | None = None
        self.seen: list[list[int]] = [[] for _ in range(PARTITIONS)]
        self.connection: Connection | None = None
        self.process: Process | None = None
        self.live = False
        self._subscribed_again = False

    @property
    def connected(self) -> bool:
        return self.connection is not None and not self.connection.closed

    def connect(self, process: Process) -> None:
        """Open a socket and subscribe from the cursor, if there is one."""
        self.process, self.connection = process, Connection()
        self.live = self._subscribed_again = False
        process.subscribe(self.connection, self.wanted, self._sent_cursor())

    def subscribe_again(self) -> None:
        """Subscribe once more on the same socket; what is on the way still comes."""
        assert self.process is not None
        assert self.connection is not None
        self.live, self._subscribed_again = False, True
        self.process.subscribe(self.connection, self.wanted, self._sent_cursor())

    def disconnect(self) -> None:
        """The socket breaks; what was on the way is lost."""
        if self.connection is not None:
            self.connection.closed = True
            self.connection = None

    def receive(self, count: int) -> None:
        """Take up to ``count`` frames."""
        while count > 0 and self.connection is not None and self.connection.on_the_way:
            self._take(self.connection.on_the_way.popleft())
            count -= 1

    def check(self, history: History) -> None:
        """Every event between the snapshot and the cursor was shown once, in order."""
        if self.start is None or self.cursor is None or self.cursor.epoch != history.epoch:
            return
        for partition, seen in enumerate(self.seen):
            low, high = self.start.offsets[partition], self.cursor.offsets[partition]
            wanted = [
                e.offset for e in history.events[partition][low:high] if e.kind in self.wanted
            ]
            assert seen == wanted, f"partition {partition}: shown {seen}, due {wanted}"

    def _sent_cursor(self) -> Cursor | None:
        # Through its text, as it goes over the wire.
        return None if self.cursor is None else Cursor.parse(str(self.cursor))

    def _take(self, frame: Frame) -> None:
        if frame.kind == "snapshot":
            self.start = self.cursor = frame.cursor
            self.seen = [[] for _ in range(PARTITIONS)]
        elif frame.kind == "events":
            self._show(frame)
        elif frame.kind == "caught_up":
            self.live = True
            self._move(frame.cursor)
        elif frame.kind == "heads" and self.live:
            self._move(frame.cursor)

    def _show(self, frame: Frame) -> None:
        assert self.cursor is not None
        for item in frame.items:
            # Whoever subscribes twice is sent some events twice, and knows them by their offsets.
            if self._subscribed_again and item.offset <= self.cursor.offsets[item.partition]:
                continue
            self.seen[item.partition].append(item.offset)
        self._move(frame.cursor)

    def _move(self, cursor: Cursor) -> None:
        assert self.cursor is not None
        if cursor.epoch == self.cursor.epoch:
            self.cursor = self.cursor.after(enumerate(cursor.offsets))
