"""``script/flask``: makes the checkout ready, then becomes a command of Flask's."""

from __future__ import annotations

import os

from launcher import environment
from launcher.command import ROOT, read_flask_options


def main(words: list[str]) -> int:
    """Set up and run the command; does not return unless something is wrong."""
    options = read_flask_options(words)
    with environment.only_one():
        environment.ensure()
    os.chdir(ROOT)
    python = str(environment.PYTHON)
    os.execv(python, [python, "-m", "launcher", *options.as_arguments()])
