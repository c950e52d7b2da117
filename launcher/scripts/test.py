"""``script/test``: every check there is, with all the set-up that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess

from launcher import dashboard, environment
from launcher.command import ROOT
from launcher.errors import SetupFailed
from launcher.scripts import lint

USAGE = """\
usage: script/test [words for pytest]

Without words: style, types, layers, the dashboard's tests, its build, and all of pytest, in three
processes at a time. With words (-k cursor, tests/unit, -n 2, …): pytest alone, with these.\
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIDE_BY_SIDE = ("-n", "3", "--max-worker-restart", "0")
"""Tests mostly wait for servers, so that two cores have time for three of them."""


def main(words: list[str]) -> int:
    """Run the checks, also after one has failed; pytest comes last. Returns the exit status."""
    if words == ["--help"]:
        print(USAGE)
        return 0
    with environment.only_one():
        environment.ensure(environment.DEVELOPMENT)
        os.environ["CHROMIUM"] = find_chromium()
        dashboard.build()
    failed = [] if words else _run_what_is_not_pytest()
    for name in failed:
        print(f"FAILED: {name} (see above)", flush=True)
    # Tests start hundreds of Pythons; none of them should compile the product anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    tests = [str(environment.PYTHON), "-m", "pytest", *(words or SIDE_BY_SIDE)]
    return subprocess.run(tests, cwd=ROOT).returncode or int(bool(failed))


def find_chromium() -> str:
    """The path of a Chromium, which apt-get installs where there is none and it may.

    Raises:
        SetupFailed: there is none.
    """
    for is_last in (False, True):
        for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
            if name and (found := shutil.which(name)):
                return found
        if is_last or not environment.install_from_apt("chromium"):
            break
    raise SetupFailed(
        "The browser tests need Chromium: install it (on Debian: apt-get install chromium), "
        "or set CHROMIUM to its path."
    )


def _run_what_is_not_pytest() -> list[str]:
    failed = []
    if lint.main([]) != 0:
        failed.append("script/lint")
    if dashboard.present() and not dashboard.check("test"):
        failed.append("the dashboard's tests")
    return failed
