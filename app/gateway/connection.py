"""A socket: one reader, one writer, and a bound on everything.

The handshake is flask-sock's; from then on the socket is ours: docs/decisions/websocket-framing.md.
Whoever wants to send puts a frame into the queue. The first to find nobody writing writes at once;
when the kernel's buffer is full, one greenlet takes over until the queue is empty. So there is
never a second writer, no frame is torn, and an idle connection costs no greenlet of its own.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

import gevent
import gevent.socket
import msgspec

from app.core import metrics
from app.core.identifiers import uuid7
from app.core.logging import get_logger
from app.gateway import frames
from app.gateway.closing import (
    LEFT,
    NO_SIGN_OF_LIFE,
    TOO_SLOW,
    Bye,
    CloseNow,
    Closing,
    bad_frame,
    broken,
)
from app.gateway.frames import Frame, FrameError, FrameReader, Opcode

READ_BYTES = 8192
"""Read at once, unless a larger frame is known to be coming: others want to be read too."""

MAX_READ_BYTES = 262_144
LINGER_S = 2.0
WRITE_BYTES = 262_144

log = get_logger(__name__)
encode = msgspec.json.Encoder().encode


class Connection:
    """One open WebSocket.

    ``max_queue_bytes`` bounds what waits to be sent; a peer that leaves more unread, or reads
    nothing for ``send_timeout_s``, is closed as too slow. One that says nothing for ``silence_s``
    is gone.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        kind: str,
        max_frame_bytes: int,
        max_queue_bytes: int,
        send_timeout_s: float,
        silence_s: float,
    ) -> None:
        self.id = str(uuid7())
        self.kind = kind
        self.last_heard = time.monotonic()
        self.silence_s = silence_s
        self.expires_at = float("inf")
        """When the connection ends whatever it says: until hello was said."""
        self._asked_at = self.last_heard
        self._closing_at = 0.0
        self.closed = False
        self.on_writable: Callable[[], None] | None = None
        """Called by the writer when its queue has run empty after being full."""
        self._sock = sock
        self._fd = sock.fileno()
        self._reader = FrameReader(max_frame_bytes)
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._begun = False
        """The first in the queue is the rest of what was sent in part."""
        self._max_queue_bytes = max_queue_bytes
        self._send_timeout_s = send_timeout_s
        self.busy = False
        """Whether the peer has not yet taken what was sent."""
        self._closing: Closing | None = None
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def queued_bytes(self) -> int:
        """What waits to be sent."""
        return self._queued_bytes

    def check(self, now: float) -> None:
        """End what has been silent for too long or does not answer our close; called by the second.

        One clock for all connections: a time-out of its own on each read costs more than the read.
        """
        if self._closing is not None:
            if now - self._closing_at > LINGER_S:
                self._hang_up()
        elif now > self.expires_at or now - self.last_heard > self.silence_s:
            self.close(NO_SIGN_OF_LIFE)

    def heard_since_asked(self) -> bool:
        """Whether anything came since this was asked last."""
        asked, self._asked_at = self._asked_at, time.monotonic()
        return self.last_heard >= asked

    def send(self, message: object) -> None:
        """Queue a message."""
        self.send_frame(frames.text(encode(message)))

    def send_frame(self, frame: bytes) -> None:
        """Queue bytes that are framed already."""
        self.add_frame(frame)
        self.flush()

    def add_frame(self, frame: bytes) -> None:
        """Queue bytes that are framed already; ``flush`` follows soon."""
        if self.closed or self._closing is not None:
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        if self._queued_bytes > self._max_queue_bytes:
            self.abort(TOO_SLOW)

    def flush(self) -> None:
        """Send what is queued, unless somebody is at it."""
        if self._queue and not self.busy and not self.closed:
            self._write()

    def close(self, closing: Closing) -> None:
        """Say bye, then close; what is queued before goes out first."""
        if self.closed or self._closing is not None:
            return
        metrics.closes.labels(str(closing.code)).inc()
        self._queue.append(
            frames.text(
                encode(Bye(closing.code, closing.reason, closing.reconnect, closing.retry_after_ms))
            )
        )
        self._queue.append(frames.close(closing.code, closing.reason))
        self._closing = closing
        self._closing_at = time.monotonic()
        if not self.busy:
            self._write()

    def abort(self, closing: Closing) -> None:
        """Close without waiting for what is queued: the peer does not read. The frame that has
        been begun is ended, or the peer would take the bye for a part of it.
        """
        if not self.closed and self._closing is None:
            begun = [self._queue[0]] if self._begun and self._queue else []
            self._queue = deque(begun)
            self._queued_bytes = sum(map(len, begun))
            self.close(closing)

    def messages(self) -> Iterator[bytes]:
        """The text messages as they come, until the connection ends.

        Raises:
            CloseNow: the peer broke the protocol.
        """
        while not self.closed and self._closing is None:
            try:
                data = self._sock.recv(min(max(READ_BYTES, self._reader.missing), MAX_READ_BYTES))
            except OSError as error:
                log.debug("connection_lost", connection=self.id, error=str(error))
                return
            if not data:
                return
            self.last_heard = time.monotonic()
            try:
                received = self._reader.feed(data)
            except FrameError as error:
                raise CloseNow(broken(error.code, error.reason)) from None
            for frame in received:
                if frame.opcode == Opcode.TEXT:
                    yield frame.payload
                elif not self._control(frame):
                    return

    def _control(self, frame: Frame) -> bool:
        """Answer a frame that is not text; False if it was the peer's close."""
        if frame.opcode == Opcode.PING:
            self.send_frame(frames.pong(frame.payload))
        elif frame.opcode == Opcode.CLOSE:
            if self._closing is None:
                self._closing = LEFT
                self._closing_at = time.monotonic()
                self._queue.append(frames.close(frames.close_code(frame.payload)))
                if not self.busy:
                    self._write()
            return False
        elif frame.opcode == Opcode.BINARY:
            raise CloseNow(bad_frame("A frame is JSON text, not binary."))
        return True

    def ending(self) -> dict[str, object]:
        """How it ended, for the log."""
        if self._closing is None or self._closing is LEFT:
            return {"reason": "peer_left"}
        return {"code": self._closing.code, "reason": self._closing.reason}

    def finish(self) -> None:
        """Give the last frames a moment to leave and the peer to answer the close; then let go."""
        deadline = time.monotonic() + LINGER_S
        try:
            while self._closing not in {None, LEFT} and not self.closed:
                self._sock.settimeout(max(0.01, deadline - time.monotonic()))
                if not self._sock.recv(READ_BYTES) or time.monotonic() > deadline:
                    break
        except OSError as error:
            log.debug("linger_ended", connection=self.id, error=str(error))
        finally:
            # From here on the descriptor may be another connection's: nothing writes to it.
            self._hang_up()

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
        elif self._closing is not None:
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
            self.abort(TOO_SLOW)
            self._hang_up()
            return
        except OSError as error:
            self._lost(error)
            return
        self.busy = False
        if self._closing is not None and not self._queue:
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
