"""A socket: one reader, a bye before every close of ours, and a bound on silence.

The handshake is flask-sock's; from then on the socket is ours: docs/decisions/websocket-framing.md.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import msgspec

from app.core import metrics
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
from app.gateway.outgoing import Outgoing

READ_BYTES = 8192
"""Read at once, unless a larger frame is known to be coming: others want to be read too."""

MAX_READ_BYTES = 262_144
LINGER_S = 2.0

log = get_logger(__name__)
encode = msgspec.json.Encoder().encode


class Connection(Outgoing):
    """One open WebSocket. A peer that is too slow is closed; one that says nothing for
    ``silence_s`` is gone.
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
        super().__init__(sock, max_queue_bytes=max_queue_bytes, send_timeout_s=send_timeout_s)
        self.kind = kind
        self.last_heard = time.monotonic()
        self.silence_s = silence_s
        self.expires_at = float("inf")
        """When the connection ends whatever it says: until hello was said."""
        self._asked_at = self.last_heard
        self._reader = FrameReader(max_frame_bytes)
        self._closing: Closing | None = None
        self._closing_at = 0.0
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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

    def close(self, closing: Closing) -> None:
        """Say bye, then close; what is queued before goes out first."""
        if self.closed or self._closing is not None:
            return
        metrics.closes.labels(str(closing.code)).inc()
        bye = Bye(closing.code, closing.reason, closing.reconnect, closing.retry_after_ms)
        self._end(closing, frames.text(encode(bye)), frames.close(closing.code, closing.reason))

    def abort(self, closing: Closing) -> None:
        """Close without waiting for what is queued: the peer does not read. The frame that has
        been begun is ended, or the peer would take the bye for a part of it.
        """
        if not self.closed and self._closing is None:
            self._forget()
            self.close(closing)

    def _too_slow(self) -> None:
        self.abort(TOO_SLOW)

    def _end(self, closing: Closing, *last: bytes) -> None:
        self._closing = closing
        self._closing_at = time.monotonic()
        self._send_last(*last)

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
                self._end(LEFT, frames.close(frames.close_code(frame.payload)))
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
