"""How a process of the fleet ends: SIGTERM and SIGINT unwind it once, in order."""

from __future__ import annotations

import signal
from types import FrameType

TURNED_AWAY = 3
"""Exit status of a process whose agent the server turned away for good."""


def end_on_signals() -> None:
    """Turn the first SIGTERM or SIGINT into SystemExit; later ones do not disturb the end."""

    def end(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
