"""Why a connection ended, and whether to come back: the close codes of the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MEANINGS = {
    1000: "closed",
    1001: "the server is going away",
    1006: "the connection broke",
    4001: "the server is draining",
    4003: "the token expired",
    4008: "too many events",
    4009: "too slow",
    4010: "a gap in the sequence",
    4012: "no sign of life",
    4500: "bad credentials",
    4501: "a bad frame",
    4503: "superseded by a newer incarnation of this agent",
    4504: "over a limit",
}


class Next(Enum):
    """What the sender does after a connection."""

    RECONNECT = "reconnect"
    RESTART = "restart"
    """Reconnect as a new incarnation, with a sequence that starts at 1."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a connection ended. ``retry_after_s`` is the least number of seconds to stay away."""

    next: Next
    code: int
    reason: str
    retry_after_s: float = 0.0


def is_final(code: int) -> bool:
    """Whether a close code forbids to reconnect: the whole of 4500 to 4599, known or not."""
    return 4500 <= code <= 4599


def judge(code: int, reason: str, *, reconnect: bool = True, retry_after_s: float = 0.0) -> Ending:
    """What follows from a close code and from what the server's ``bye`` said, if there was one.

    Both must allow to reconnect: a final code wins over a friendly ``bye``, and an unfriendly
    ``bye`` over any code.
    """
    words = reason or MEANINGS.get(code, "no reason given")
    following = Next.RECONNECT if reconnect and not is_final(code) else Next.FAIL
    return Ending(following, code, words, retry_after_s)
