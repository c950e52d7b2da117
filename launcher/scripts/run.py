"""Runs a script: its exit status, its signals, its one sentence when something is in the way."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable

from launcher.errors import LauncherError

TERMINATED = 128 + signal.SIGTERM
INTERRUPTED = 128 + signal.SIGINT


def run(main: Callable[[list[str]], int]) -> None:
    """Call ``main`` with the words after the script's name, and exit with what it returns."""
    # As an exception, so that whatever tool is running is ended too.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(TERMINATED))
    try:
        sys.exit(main(sys.argv[1:]))
    except LauncherError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
