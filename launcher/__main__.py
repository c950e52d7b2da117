"""``python -m launcher server|flask …``: what the scripts become once the set-up is done."""

from __future__ import annotations

import os
import sys

from launcher.command import read_flask_options, read_server_options
from launcher.console import become_flask
from launcher.errors import LauncherError
from launcher.server import serve


def main(words: list[str]) -> int:
    """Run the command; returns the exit status."""
    try:
        match words[:1]:
            case ["server"]:
                return serve(read_server_options(words[1:], os.environ))
            case ["flask"]:
                return become_flask(read_flask_options(words[1:]))
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    print("usage: python -m launcher server|flask [options]", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
