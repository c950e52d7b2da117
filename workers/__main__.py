"""A worker's entry: ``python -m workers``, and behind it whatever ``dramatiq`` takes.

Dramatiq's own command sets up logging of its own, and reads some settings when it is imported.
"""

from __future__ import annotations

import os
import sys

from app.core.errors import SettingError
from app.core.logging import configure_logging
from app.settings import Settings

ENVIRONMENT = {
    # How long an idle consumer sleeps between two looks at its queue, and how long one that has
    # lost Redis waits before it tries again; in ms, by default 1000 and 3000.
    "dramatiq_worker_timeout": "100",
    "dramatiq_restart_delay": "500",
}
"""What Dramatiq reads of the environment, where it is not set there."""

OPTIONS = ("--processes", "1", "--threads", "4", "--worker-shutdown-timeout", "20000")
"""What the command line may say otherwise."""


def main(words: list[str]) -> int:
    """Run Dramatiq over the actors of ``workers.main``; returns its exit status."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        sys.stderr.write(f"telltale: {error}\n")
        return 2
    configure_logging("worker", settings.log_level)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from dramatiq import cli

    given = ["workers.main", "--skip-logging", *OPTIONS, *words]
    # On SIGHUP Dramatiq runs these words again.
    sys.argv = [sys.executable, "-m", "workers", *words]
    return int(cli.main(cli.make_argument_parser().parse_args(given)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
