"""Everything this client raises on purpose."""

from __future__ import annotations


class TelltaleError(Exception):
    """The root of every error of this client."""


class InvalidEvent(TelltaleError, ValueError):
    """The event breaks a rule of the protocol and was not taken."""


class BufferFull(TelltaleError):
    """There is no room left for the event, and it was not taken."""


class AgentClosed(TelltaleError):
    """The agent was closed; it takes no more events."""


class AgentFailed(TelltaleError):
    """The server turned the agent away for good; trying again as it is would not help.

    ``code`` is the close code (4500 to 4599, or 0 for a fault of this client), ``reason`` the
    server's words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The server closed this agent for good with code {code}: {reason}")
        self.code = code
        self.reason = reason


class SpillUnusable(TelltaleError):
    """The spill file cannot be used: it is another agent's, in use, or not writable."""


class FrameInvalid(TelltaleError):
    """The server sent something that is no frame of the protocol."""


class OutOfStep(TelltaleError):
    """Client and server disagree about ``seq`` beyond repair; a new incarnation starts afresh."""


class ConnectFailed(TelltaleError):
    """The connection could not be opened, or broke. It is worth trying again.

    ``retry_after_s`` is how long the server asked to wait, in seconds.
    """

    def __init__(self, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class CredentialsRefused(TelltaleError):
    """The server does not accept the key."""
