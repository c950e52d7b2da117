"""Everything this client raises on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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


class ServerUnreachable(TelltaleError):
    """The server gave no answer, however often it was asked. What was asked may have been done."""


class Unfinished(TelltaleError, TimeoutError):
    """A command or a task has not come to its end in time. It goes on."""


class ApiError(TelltaleError):
    """The server's refusal, as it said it (RFC 9457).

    ``status`` is the HTTP status; ``code`` a stable word like ``transition_refused``; ``detail`` a
    sentence; ``errors`` points at bad fields (``{"pointer", "detail"}``); ``members`` are all
    members of the answer. ``retry_after_s`` is when to try again, if the server says so.
    ``unsure`` says that an earlier try was lost on the way and may have been done.
    """

    def __init__(
        self,
        status: int,
        members: Mapping[str, Any],
        *,
        retry_after_s: float | None = None,
        unsure: bool = False,
    ) -> None:
        self.status = status
        self.members = members
        self.code = str(members.get("code", "http_error"))
        self.detail = str(members.get("detail", "The server did not say why."))
        self.errors: list[dict[str, str]] = list(members.get("errors") or [])
        self.retry_after_s = retry_after_s
        self.unsure = unsure
        fields = "".join(f" {error['pointer']}: {error['detail']}" for error in self.errors)
        super().__init__(f"{status} {self.code}: {self.detail}{fields}")

    @property
    def current_version(self) -> int | None:
        """The version that the thing has now, where the server tells it (412)."""
        version = self.members.get("current_version")
        return version if isinstance(version, int) else None


class NotFound(ApiError):
    """There is no such thing in this project (404)."""


class StaleVersion(ApiError):
    """Somebody else has changed it since the version that was named (412)."""
