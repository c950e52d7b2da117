"""``script/server``: makes the checkout ready, then becomes the launcher."""

from __future__ import annotations

import os

from launcher import dashboard, environment
from launcher.command import ROOT, read_server_options


def main(words: list[str]) -> int:
    """Set up and start; does not return unless something is wrong."""
    options = read_server_options(words, os.environ)
    with environment.only_one():
        environment.ensure()
        dashboard.build()
    os.chdir(ROOT)
    python = str(environment.PYTHON)
    os.execv(python, [python, "-m", "launcher", *options.as_arguments()])
