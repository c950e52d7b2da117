"""The sending half of a socket: a bounded queue, and one writer.

Whoever wants to send puts a frame into the queue. The first to find nobody writing writes at once;
when the kernel's buffer is full, one greenlet takes over until the queue is empty. So there is
never a second writer, no frame is torn, and an idle connection costs no greenlet of its own.
"""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

import gevent
import gevent.socket

from app.core.identifiers import uuid7
from app.core.logging import get_logger

WRITE_BYTES = 262_144

log = get_logger(__name__)


class Outgoing(ABC):
    """What goes out on one socket.

    ``max_queue_bytes`` bounds what waits to be sent; a peer that leaves more unread, or reads
    nothing for ``send_timeout_s``, is too slow.
    """

    def __init__(self, sock: socket.socket, *, max_queue_bytes: int, send_timeout_s: float) -> None:
        self.id = str(uuid7())
        self.closed = False
        self.busy = False
        """Whether the peer has not yet taken what was sent."""
        self.on_writable: Callable[[], None] | None = None
        """Called by the writer when its queue has run empty after being full."""
        self._sock = sock
        self._fd = sock.fileno()
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._begun = False
        """The first in the queue is the rest of what was sent in part."""
        self._sealed = False
        """The last frame is in the queue."""
        self._max_queue_bytes = max_queue_bytes
        self._send_timeout_s = send_timeout_s

    @abstractmethod
    def _too_slow(self) -> None:
        """The peer has left too much unread, or read nothing for too long."""

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent."""
        return self._queued_bytes

    def send_frame(self, frame: bytes) -> None:
        """Queue bytes that are framed already."""
        self.add_frame(frame)
        self.flush()

    def add_frame(self, frame: bytes) -> None:
        """Queue bytes that are framed already; ``flush`` follows soon."""
        if self.closed or self._sealed:
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        if self._queued_bytes > self._max_queue_bytes:
            self._too_slow()

    def flush(self) -> None:
        """Send what is queued, unless somebody is at it."""
        if self._queue and not self.busy and not self.closed:
            self._write()

    def _send_last(self, *last: bytes) -> None:
        """Send these behind what is queued, and nothing more; then the sending half is shut."""
        self._queue.extend(last)
        self._sealed = True
        if not self.busy:
            self._write()

    def _forget(self) -> None:
        """Let go of what is queued, but for the rest of a frame that has been begun."""
        begun = [self._queue[0]] if self._begun and self._queue else []
        self._queue = deque(begun)
        self._queued_bytes = sum(map(len, begun))

    def _write(self) -> None:
        """Write what is queued without waiting; a greenlet takes over if there is no room."""
        data = b""
        try:
            while self._queue:
                data = self._queue.popleft()
                if self._queue:
                    data = self._joined(data)
                sent = os.write(self._fd, data)
                self._queued_bytes = max(0, self._queued_bytes - sent)
                self._begun = sent < len(data)
                if self._begun:
                    self._queue.appendleft(data[sent:])
                    break
        except BlockingIOError:
            self._queue.appendleft(data)
        except OSError as error:
            self._lost(error)
            return
        if self._queue:
            self.busy = True
            gevent.spawn(self._write_slowly)
        elif self._sealed:
            self._shut()

    def _write_slowly(self) -> None:
        try:
            while self._queue and not self.closed:
                gevent.socket.wait_write(
                    self._fd, timeout=self._send_timeout_s, timeout_exc=TimeoutError()
                )
                if self.closed or not self._queue:
                    break
                data = self._joined(self._queue.popleft())
                try:
                    sent = os.write(self._fd, data)
                except BlockingIOError:
                    sent = 0
                self._queued_bytes = max(0, self._queued_bytes - sent)
                self._begun = (self._begun and sent == 0) or 0 < sent < len(data)
                if sent < len(data):
                    self._queue.appendleft(data[sent:])
        except TimeoutError:
            self._too_slow()
            self._hang_up()
            return
        except OSError as error:
            self._lost(error)
            return
        self.busy = False
        if self._sealed and not self._queue:
            self._shut()
        elif self.on_writable is not None:
            self.on_writable()

    def _joined(self, data: bytes) -> bytes:
        parts = [data]
        size = len(data)
        while self._queue and size + len(self._queue[0]) <= WRITE_BYTES:
            part = self._queue.popleft()
            parts.append(part)
            size += len(part)
        return b"".join(parts) if len(parts) > 1 else data

    def _lost(self, error: OSError) -> None:
        log.debug("write_failed", connection=self.id, error=str(error))
        self._queue.clear()
        self._queued_bytes = 0
        self._hang_up()

    def _shut(self) -> None:
        """Everything is sent: no more from us; the peer's close ends the reader."""
        self._shutdown(socket.SHUT_WR)

    def _hang_up(self) -> None:
        self.closed = True
        self._shutdown(socket.SHUT_RDWR)

    def _shutdown(self, how: int) -> None:
        try:
            self._sock.shutdown(how)
        except OSError as error:
            log.debug("shutdown_failed", connection=self.id, error=str(error))
