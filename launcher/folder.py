"""The data folder: what lies where, and the checks that it can be used."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from launcher.errors import PlaceUnusable

NEEDED_BYTES = 500_000_000
"""Below this much free space PostgreSQL would soon stop on its own, in the middle of something."""

SOCKET_PATH_BYTES = 90
"""A Unix socket's whole path may have 107 bytes on Linux and 103 on macOS."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Paths under one root; nothing is touched before ``prepare``."""

    root: Path

    @property
    def logs(self) -> Path:
        """One file a child: ``web.log``, ``worker.log``, …"""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What lives only as long as the processes: the lock, sockets."""
        return self.root / "run"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only file."""
        return self.root / "valkey"

    def sockets(self, name: str) -> Path:
        """A folder for one server's socket; a temporary one where the path would be too long."""
        folder = self.run / name
        if len(os.fsencode(folder)) <= SOCKET_PATH_BYTES - len("/.s.PGSQL.5432"):
            return folder
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"telltale-{digest}"

    def forget_sockets(self) -> None:
        """Remove the socket folders that lie outside of the data folder."""
        for name in ("pg", "vk"):
            folder = self.sockets(name)
            if not folder.is_relative_to(self.root):
                shutil.rmtree(folder, ignore_errors=True)

    def log(self, name: str) -> Path:
        """The log file of one child."""
        return self.logs / f"{name}.log"

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            PlaceUnusable: it cannot be written to, or the disk is nearly full.
        """
        try:
            for folder in (self.root, self.logs, self.run, self.valkey):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PlaceUnusable(
                f"The data folder {self.root} cannot be used: {error.strerror}."
            ) from None
        free = shutil.disk_usage(self.root).free
        if free < NEEDED_BYTES:
            raise PlaceUnusable(
                f"There is too little disk space for the data folder {self.root}: "
                f"{free // 1_000_000} MB are free, and {NEEDED_BYTES // 1_000_000} MB are needed."
            )

    def lock(self) -> IO[str]:
        """Take the folder for this process alone, until the file handed back is closed.

        Raises:
            PlaceUnusable: another Telltale runs on it.
        """
        lock = (self.run / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise PlaceUnusable(
                f"Another Telltale is running on the data folder {self.root}."
            ) from None
        return lock


def make_private(folder: Path, owner: tuple[int, int] | None = None) -> None:
    """Make a folder that only ``owner`` (``(uid, gid)``; by default this user) may enter.

    Raises:
        PlaceUnusable: somebody else's lies there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = owner[0] if owner else os.geteuid()
    if folder.stat().st_uid not in (uid, os.geteuid()):
        raise PlaceUnusable(f"The folder {folder} belongs to another user.")
    if owner:
        os.chown(folder, *owner)
    folder.chmod(0o700)
