"""A question about the past."""

from __future__ import annotations

from app.schemas.access import Strict
from app.schemas.events import MomentField


class AtQuery(Strict):
    """A moment; without one it is now."""

    at = MomentField()
