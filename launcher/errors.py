"""What stands in the way of a start: each error's message is one sentence for the person there."""

from __future__ import annotations


class LauncherError(Exception):
    """Telltale cannot start or go on, and the message says why and what to do."""


class SetupFailed(LauncherError):
    """The virtual environment or the dashboard could not be made."""


class PlaceUnusable(LauncherError):
    """The data folder or port cannot be used: taken, full, not writable or of another version."""


class KeyRefused(LauncherError):
    """The admin's API key has lost its power, or its id is another key's."""


class PartFailed(LauncherError):
    """A part ended during its start or died too often.

    ``log_lines`` are the last lines that it wrote, oldest first.
    """

    def __init__(self, message: str, log_lines: list[str] | None = None) -> None:
        super().__init__(message)
        self.log_lines = log_lines or []


class Stopped(LauncherError):
    """Somebody asked for the end while something was still being waited for."""
