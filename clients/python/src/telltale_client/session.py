"""One connection's conversation, from the hello to its end. Pure: frames in, frames out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from telltale_client import frames
from telltale_client.closing import Ending, Next, judge
from telltale_client.errors import OutOfStep
from telltale_client.outbox import Outbox

WELCOME_S = 10.0
BYE_S = 1.0
SIGNS_OF_LIFE = 2.5
"""After so many ping intervals without a byte from the server the connection counts as dead."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that the server refused: why, and the event as it was sent."""

    id: str
    seq: int
    code: str
    detail: str
    event: bytes


Notice = Rejection | frames.Command | frames.Config
"""What the program may want to be told."""


class Session:
    """Follows the protocol over one connection; begins when the hello was sent.

    ``control`` holds frames that go out before events. The engine's lock is held around every call.
    """

    def __init__(self, outbox: Outbox, control: deque[bytes], now: float) -> None:
        self._outbox = outbox
        self._control = control
        self.started = self._heard = self._sent = self._pinged = now
        self._welcome: frames.Welcome | None = None
        self._bye: frames.Bye | None = None
        self._bye_at = 0.0
        self._out_of_step: OutOfStep | None = None
        self.stored = 0

    @property
    def is_welcome(self) -> bool:
        """Whether the server has accepted the hello."""
        return self._welcome is not None

    def heard(self, now: float) -> None:
        """Bytes came in: the server lives."""
        self._heard = now

    def receive(self, frame: frames.ServerFrame, now: float) -> list[Notice]:
        """Take a frame in. Returns what the program is to be told."""
        if self._out_of_step is not None:
            return []
        try:
            return self._receive(frame, now)
        except OutOfStep as error:
            self._out_of_step = error
            return []

    def _receive(self, frame: frames.ServerFrame, now: float) -> list[Notice]:
        window = self._outbox.window
        match frame:
            case frames.Ack():
                self.stored += self._outbox.ack(frame.logged, frame.stored, now)
            case frames.Reject():
                entry = window.reject(frame.seq, now)
                if entry is not None:
                    return [Rejection(entry.id, frame.seq, frame.code, frame.detail, entry.payload)]
            case frames.Nack():
                window.nack(frame.expected, now)
            case frames.Slow():
                window.slow(frame.retry_after_s, now, frame.seq)
            case frames.Welcome():
                self._welcome = frame
                self.stored += self._outbox.open(frame.stored, frame.logged, frame.limits)
                # Version 0 says that there is none.
                return [frame.config] if frame.config and frame.config.version else []
            case frames.Bye():
                self._bye, self._bye_at = frame, now
            case frames.Command() | frames.Config():
                return [frame]
        return []

    def outgoing(self, now: float) -> list[bytes]:
        """The frames to send now: answers to commands, one frame of events, or a ping if quiet."""
        if self._welcome is None or self._bye is not None or self._out_of_step is not None:
            return []
        out = list(self._control)
        self._control.clear()
        batch = self._outbox.next_batch(now)
        if batch is not None:
            out.append(frames.events(batch.seq, batch.payloads))
        elif now >= self._ping_at(self._welcome):
            out.append(frames.PING)
            self._pinged = now
        if out:
            self._sent = now
        return out

    def wake_at(self, *, can_send: bool) -> float:
        """When this must be looked at again although nothing arrives and nothing is emitted.

        ``can_send`` is false while the socket takes no more: then only the end can be due.
        """
        if self._bye is not None:
            return self._bye_at + BYE_S
        if self._welcome is None:
            return self.started + WELCOME_S
        dead_at = self._heard + SIGNS_OF_LIFE * self._welcome.ping_interval_s
        if not can_send:
            return dead_at
        window = self._outbox.window.wake_at()
        return min(dead_at, self._ping_at(self._welcome), dead_at if window is None else window)

    def ending(self, now: float, closed: tuple[int, str] | None) -> Ending | None:
        """How the connection ended, if it has. ``closed`` is the close frame's code and reason."""
        if self._out_of_step is not None:
            return Ending(Next.RESTART, 0, str(self._out_of_step))
        if closed is not None:
            return self._judge(*closed)
        if self._bye is not None:
            return self._judge(1006, "") if now >= self._bye_at + BYE_S else None
        if self._welcome is None:
            late = now >= self.started + WELCOME_S
            return judge(1006, "no welcome from the server") if late else None
        if now >= self._heard + SIGNS_OF_LIFE * self._welcome.ping_interval_s:
            return judge(4012, "no sign of life from the server")
        if self._outbox.window.is_stalled(now):
            return judge(4012, "the server leaves events without an answer")
        return None

    def _judge(self, code: int, reason: str) -> Ending:
        bye = self._bye
        if bye is None:
            return judge(code, reason)
        return judge(
            code if code >= 4000 else bye.code,
            bye.reason or reason,
            reconnect=bye.reconnect,
            retry_after_s=bye.retry_after_s,
        )

    def _ping_at(self, welcome: frames.Welcome) -> float:
        """Due after an interval in which one of the two sides said nothing."""
        quiet_since = max(self._pinged, min(self._sent, self._heard))
        return quiet_since + welcome.ping_interval_s
