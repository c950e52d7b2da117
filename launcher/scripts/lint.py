"""``script/lint``: style, types and layers, of Python and of the dashboard."""

from __future__ import annotations

import subprocess

from launcher import dashboard, environment
from launcher.command import ROOT

USAGE = """\
usage: script/lint [--fix]

Check style, types and layers; --fix first puts right what the tools can put right.\
"""
TYPED = ("app", "workers", "launcher", "clients/python", "bench", "demo", "wsgi.py")


def main(words: list[str]) -> int:
    """Run every check, also after one has failed; returns the exit status."""
    if words not in ([], ["--fix"]):
        print(USAGE)
        return 0 if words == ["--help"] else 2
    with environment.only_one():
        environment.ensure(environment.DEVELOPMENT)
        if dashboard.present():
            dashboard.install_modules()
    if words:
        _run("ruff", "check", "--quiet", "--fix", ".")
        _run("ruff", "format", "--quiet", ".")
    content = [
        _run("ruff", "format", "--check", "--quiet", "."),
        _run("ruff", "check", "--quiet", "."),
        _run("mypy", *(name for name in TYPED if (ROOT / name).exists())),
        _run("lint-imports", "--no-logo"),
        not dashboard.present() or dashboard.check("lint"),
    ]
    return 0 if all(content) else 1


def _run(*words: str) -> bool:
    print(f"$ {' '.join(words)}", flush=True)
    tool = environment.VENV / "bin" / words[0]
    return subprocess.run([tool, *words[1:]], cwd=ROOT).returncode == 0
