"""``python -m launcher server …``: what ``script/server`` becomes once the set-up is done."""

from __future__ import annotations

import os
import sys

from launcher.command import read_server_options
from launcher.errors import LauncherError
from launcher.server import serve


def main(words: list[str]) -> int:
    """Run the command; returns the exit status."""
    if words[:1] != ["server"]:
        print("usage: python -m launcher server [options]", file=sys.stderr)
        return 2
    try:
        return serve(read_server_options(words[1:], os.environ))
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
