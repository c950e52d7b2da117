"""`python -m demo`: the fleet until Ctrl-C."""

from __future__ import annotations

import os
import sys

from demo.checkout import use_client_of_checkout
from demo.ending import TURNED_AWAY, end_on_signals
from demo.settings import read_settings


def main() -> int:
    """Run the fleet. Returns 3 with a sentence if the server refuses it."""
    settings = read_settings(sys.argv[1:], os.environ)
    use_client_of_checkout()
    from telltale_client import AgentFailed, ApiError

    from demo.crew import TurnedAway
    from demo.manager import manage

    end_on_signals()
    try:
        manage(settings)
    except (AgentFailed, ApiError, TurnedAway) as error:
        print(f"The demo fleet ends: {error}", file=sys.stderr)
        return TURNED_AWAY
    return 0


if __name__ == "__main__":
    sys.exit(main())
