"""Every way in which we end a socket: code, reason, and whether to come back (protocol §5)."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Closing:
    """A named end of a connection."""

    code: int
    reason: str
    reconnect: bool
    retry_after_ms: int | None = None


DRAINING = Closing(4001, "draining", True, 500)
TOKEN_EXPIRED = Closing(4003, "token_expired", True)
TOO_SLOW = Closing(4009, "too_slow", True)
GAP = Closing(4010, "gap", True)
NO_SIGN_OF_LIFE = Closing(4012, "no_sign_of_life", True)
BAD_FRAME = Closing(4501, "bad_frame", False)
SUPERSEDED = Closing(4503, "superseded", False)
LIMIT = Closing(4504, "limit", False)
FAILED = Closing(4001, "failed", True, 1000)
"""Something went wrong here; it is in our log."""

LEFT = Closing(1000, "left", True)
"""The peer closed; nobody is told."""

LOG_OUT_OF_REACH = Closing(4001, "log_out_of_reach", True, 1000)
STORE_OUT_OF_REACH = Closing(4001, "store_out_of_reach", True, 1000)


def bad_frame(detail: str) -> Closing:
    """A frame that is not of the protocol; the reason says what was wrong with it."""
    return Closing(BAD_FRAME.code, f"{BAD_FRAME.reason}: {detail}", reconnect=False)


def broken(code: int, reason: str) -> Closing:
    """Framing that is broken, by its WebSocket code; a message over the limit has one of ours."""
    if code == 1009:
        return Closing(LIMIT.code, f"{LIMIT.reason}: {reason}", reconnect=False)
    return Closing(code, reason, reconnect=False)


class Bye(msgspec.Struct, tag="bye", omit_defaults=True):
    """The last frame before a close of ours."""

    code: int
    reason: str
    reconnect: bool
    retry_after_ms: int | None = None


class CloseNow(Exception):
    """Ends the connection from inside its reader, with this closing."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing
