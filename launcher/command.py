"""The words that ``script/server`` and ``script/flask`` take."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import LauncherError

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

EPILOG = """\
Everything that is kept (database, log, keys, log files) lies in the data folder. DATABASE_URL and
REDIS_URL, where set, take the place of the embedded PostgreSQL and Valkey. All settings are read
from the environment; app/settings.py lists them.
"""

FLASK_EPILOG = """\
Without a command Flask lists all there are; script/flask <command> --help tells of one. Settings
come from the data folder, and from the environment where they are set there.

  script/flask keys create --name my-agent
  script/flask limits show
  script/flask --data /srv/telltale keys list
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """What to start: ``port`` 1..65535, or 0 for any free one; ``data`` an absolute folder."""

    host: str
    port: int
    data: Path
    demo: bool

    def as_arguments(self) -> list[str]:
        """The same options as words, for ``python -m launcher``."""
        words = ["server", "--host", self.host, "--port", str(self.port), "--data", str(self.data)]
        return words if self.demo else [*words, "--no-demo"]


def read_server_options(words: Sequence[str], env: Mapping[str, str]) -> ServerOptions:
    """Read the command line, with PORT and HOST of the environment as defaults.

    Raises:
        LauncherError: the port is not one.
        SystemExit: ``--help``, or a word that is not understood (argparse has told why).
    """
    parser = argparse.ArgumentParser(
        prog="script/server",
        description="Start all of Telltale on this machine; Ctrl-C stops it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--no-demo", action="store_true", help="start without the demo fleet")
    parser.add_argument(
        "--port", metavar="N", help="where to listen (PORT, else 8000; 0: any free)"
    )
    parser.add_argument(
        "--host", metavar="ADDRESS", help="address to listen on (HOST, else 127.0.0.1)"
    )
    parser.add_argument("--data", metavar="DIR", default=ROOT / "var", help="data folder (var/)")
    given = parser.parse_args(words)
    return ServerOptions(
        host=given.host or env.get("HOST") or "127.0.0.1",
        port=_port(given.port or env.get("PORT") or "8000"),
        data=Path(given.data).expanduser().absolute(),
        demo=not given.no_demo,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlaskOptions:
    """Which command of Flask's to run: ``data`` an absolute folder, ``words`` the command."""

    data: Path
    words: tuple[str, ...]

    def as_arguments(self) -> list[str]:
        """The same options as words, for ``python -m launcher``."""
        return ["flask", "--data", str(self.data), *self.words]


def read_flask_options(words: Sequence[str]) -> FlaskOptions:
    """Read the command line: options of ours, then the command, with all that is behind it.

    Raises:
        SystemExit: ``--help``, or an option that is not understood (argparse has told why).
    """
    parser = argparse.ArgumentParser(
        prog="script/flask",
        description="Run one of Telltale's commands on what script/server runs.",
        epilog=FLASK_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", metavar="DIR", default=ROOT / "var", help="script/server's data folder (var/)"
    )
    parser.add_argument("words", metavar="command …", nargs=argparse.REMAINDER)
    given = parser.parse_args(words)
    return FlaskOptions(data=Path(given.data).expanduser().absolute(), words=tuple(given.words))


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65_535:
        return int(text)
    raise LauncherError(f"PORT should be a whole number from 0 to 65535, not {text!r}.")
