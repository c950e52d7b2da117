"""Flask's own sessions, switched off: ours lie in Redis, and only who shows one is looked up."""

from __future__ import annotations

from typing import Final

from flask import Flask, Request, Response
from flask.sessions import NullSession, SessionInterface, SessionMixin

_NONE: Final = NullSession()


class NoSessions(SessionInterface):
    """Each request has the same empty session, which refuses to be written to."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002
        """Opens none."""
        return _NONE

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Saves none."""
