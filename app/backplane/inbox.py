"""What has been read from the backplane and not yet looked at: bounded in messages and bytes."""

from __future__ import annotations

from gevent.queue import Queue


class Inbox:
    """A queue between the greenlet that only reads and the one that delivers."""

    def __init__(self, *, max_messages: int, max_bytes: int) -> None:
        self._messages: Queue[bytes] = Queue()
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self.bytes = 0

    def __len__(self) -> int:
        return self._messages.qsize()

    def put(self, message: bytes) -> bool:
        """Add a message; False if there is no room for it. Never waits."""
        if len(self) >= self._max_messages or self.bytes + len(message) > self._max_bytes:
            return False
        self.bytes += len(message)
        self._messages.put_nowait(message)
        return True

    def get(self) -> bytes:
        """The message that has waited longest; waits if there is none."""
        message = self._messages.get()
        self.bytes -= len(message)
        return message
