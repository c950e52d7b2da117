"""Every way in which we end a socket: code, reason, and whether to come back (protocol §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from app.access.standing import Ended
from app.domain.event import MAX_BATCH


@dataclass(frozen=True, slots=True)
class Closing:
    """A named end of a connection."""

    code: int
    reason: str
    reconnect: bool
    retry_after_ms: int | None = None


DRAINING = Closing(4001, "draining", True, 500)
TOKEN_EXPIRED = Closing(4003, "token_expired", True)
ROLE_CHANGED = Closing(4003, "role_changed", True)
RATE = Closing(4008, "rate", True)
TOO_SLOW = Closing(4009, "too_slow", True)
GAP = Closing(4010, "gap", True)
LOG_OUT_OF_REACH = Closing(4010, "log_out_of_reach", True, 1000)
"""Whether what was sent last is in the log cannot be known: the sequence tells, when it is back."""
STORE_OUT_OF_REACH = Closing(4010, "store_out_of_reach", True, 1000)
"""Whether what is missing from the log is stored cannot be known: the same."""
NO_SIGN_OF_LIFE = Closing(4012, "no_sign_of_life", True)
FAILED = Closing(1011, "failed", True, 1000)
"""Something went wrong here; it is in our log. The code is WebSocket's own (RFC 6455, 7.4.1)."""
KEY_REVOKED = Closing(4500, "key_revoked", False)
SESSION_ENDED = Closing(4500, "session_ended", False)
OTHER_AGENT = Closing(4500, "other_agent", False)
"""The key is for another agent than the one that said hello."""
BAD_FRAME = Closing(4501, "bad_frame", False)
SUPERSEDED = Closing(4503, "superseded", False)
LIMIT = Closing(4504, "limit", False)
TOO_MANY_EVENTS = Closing(4504, f"limit: A frame may have {MAX_BATCH} events.", False)
LEFT = Closing(1000, "left", True)
"""The peer closed the connection."""

CREDENTIAL_ENDED: Final = {
    Ended.TOKEN_EXPIRED: TOKEN_EXPIRED,
    Ended.KEY_REVOKED: KEY_REVOKED,
    Ended.SESSION_ENDED: SESSION_ENDED,
    Ended.ROLE_CHANGED: ROLE_CHANGED,
}


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
