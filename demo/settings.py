"""Where the fleet reports to, and how fast it works."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EPILOG = """\
The environment says where to report: TELLTALE_URL (like http://127.0.0.1:8000) and TELLTALE_KEY, an
API key with the role manager. Ctrl-C or SIGTERM ends all processes of the fleet.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """``pace`` multiplies every pause; a round reads ``round_size`` modules."""

    url: str
    key: str
    workers: int
    round_size: int
    pace: float


def read_settings(words: Sequence[str], env: Mapping[str, str]) -> Settings:
    """Read the command line and the environment.

    Raises:
        SystemExit: ``--help``, or something is missing or wrong (a sentence has told what).
    """
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Run one manager and its workers: they read the modules of Python's standard "
        "library, round after round, each with another question, and report to Telltale.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--workers", type=int, default=5, metavar="N", help="how many (default 5)")
    parser.add_argument(
        "--round", type=int, default=40, metavar="N", help="modules read in a round (default 40)"
    )
    parser.add_argument(
        "--pace", type=float, default=1.0, metavar="X", help="pauses times X (default 1)"
    )
    given = parser.parse_args(words)
    url, key = env.get("TELLTALE_URL", ""), env.get("TELLTALE_KEY", "")
    if not url or not key:
        parser.error("TELLTALE_URL and TELLTALE_KEY must be set; see --help.")
    if not 1 <= given.workers <= 64:
        parser.error("--workers should be from 1 to 64.")
    if given.round < 1:
        parser.error("--round should be at least 1.")
    if not 0 <= given.pace <= 100:
        parser.error("--pace should be from 0 to 100.")
    return Settings(url, key, given.workers, given.round, given.pace)
