"""The whole product on one machine, as one object: start it, ask it, break parts of it, stop it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from app.settings import Settings
from launcher import parts
from launcher.credentials import Credentials, keep_private
from launcher.errors import KeyRefused, LauncherError, PartFailed
from launcher.folder import DataFolder
from launcher.ports import address, claim
from launcher.postgres import Postgres
from launcher.preparation import Prepared, as_sentence, take_key, take_prepared
from launcher.probe import Probe
from launcher.process import Program
from launcher.supervisor import Supervisor
from launcher.valkey import Valkey
from launcher.waiting import wait_until

LEFT_OVER_TIMEOUT_S = 30.0
INITDB_TIMEOUT_S = 120.0
PREPARE_TIMEOUT_S = 300.0
COMMAND_TIMEOUT_S = 60.0
READY_TIMEOUT_S = 60.0


def _silence(_: str) -> None: ...


class Stack:
    """PostgreSQL, Valkey, web, worker, clock and, if asked for, the demo fleet, in one data folder.

    A context manager: everything is ready when the block begins and gone when it ends. The parts
    are named ``postgres``, ``valkey``, ``web``, ``worker``, ``clock``, ``demo``, and ``web-2``,
    ``worker-2``, … where there are more of a kind. ``port=0`` takes any free port. ``env`` holds
    settings for all of them; ``DATABASE_URL`` and ``REDIS_URL`` there take the place of the
    embedded servers. With ``restart=False`` a part that dies stays dead until ``start(name)``.
    ``durable=False`` lets PostgreSQL forgo fsync, which the death of a process does not show.
    """

    def __init__(
        self,
        data: Path | str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        demo: bool = False,
        restart: bool = True,
        durable: bool = True,
        webs: int = 1,
        workers: int = 1,
        env: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = _silence,
    ) -> None:
        self.folder = DataFolder(Path(data).absolute())
        self.postgres = Postgres(self.folder.postgres, self.folder.sockets("pg"), durable=durable)
        self.valkey = Valkey(self.folder.valkey, self.folder.sockets("vk"))
        self.supervisor = Supervisor(self.folder, tell=tell)
        self.abort = threading.Event()
        self._tell = tell
        self.prepared = Prepared()
        self.env = {**parts.without_settings(os.environ), **(env or {})}
        self._own_postgres = not self.env.get("DATABASE_URL")
        self._own_valkey = not self.env.get("REDIS_URL")
        self._host, self._port, self._demo, self._restart = host, port, demo, restart
        self._ports = {_numbered("web", number): 0 for number in range(1, webs + 1)}
        self._workers = [_numbered("worker", number) for number in range(1, workers + 1)]
        self._programs: dict[str, Program] = {}
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.down()

    @property
    def urls(self) -> list[str]:
        """The address of each web process, without a slash at the end."""
        return [address(self._host, port) for port in self._ports.values()]

    @property
    def url(self) -> str:
        """The address of the first web process."""
        return self.urls[0]

    @property
    def database_url(self) -> str:
        """The database that the parts use."""
        return self.env["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        """The Redis that the parts use."""
        return self.env["REDIS_URL"]

    @property
    def admin_key(self) -> str:
        """An API key of the role admin."""
        return self.env["ADMIN_KEY"]

    def up(self) -> None:
        """Start everything and wait until it is ready.

        Raises:
            LauncherError: something stood in the way; what had been started is stopped again.
        """
        try:
            self._configure()
            self._start_servers()
            self._prepare()
            self._start_product()
        except BaseException:
            self.down()
            raise
        if self._restart:
            self.supervisor.keep_alive()

    def down(self) -> None:
        """Stop everything, the last started first; by force where it does not end by itself."""
        self.supervisor.stop_all()
        if self._lock is not None:
            self.folder.forget_sockets()
            self._lock.close()
            self._lock = None

    def start(self, name: str) -> None:
        """Start a part that is down, and wait until it answers.

        Raises:
            LauncherError: it runs already, ended again, or there is none of that name.
        """
        if name not in self._programs:
            raise LauncherError(f"There is no part called {name!r} here.")
        if name == self.postgres.name:
            self.postgres.make_reachable()
        self._begin(self._programs[name])
        self._wait_answer(name)

    def stop(self, name: str) -> None:
        """Stop a part as a deployment would, and leave it so."""
        self.supervisor.stop(name)

    def kill(self, name: str) -> None:
        """Kill a part, with all its processes, by SIGKILL."""
        self.supervisor.process(name).kill()

    def pause(self, name: str) -> None:
        """Stall a part: its processes stop in their tracks, its connections stay open."""
        self.supervisor.process(name).pause()

    def resume(self, name: str) -> None:
        """Let a stalled part go on."""
        self.supervisor.process(name).resume()

    def pids(self, name: str) -> list[int]:
        """The processes of a part, the first one first."""
        return self.supervisor.process(name).pids()

    def wait_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until every web process says that all that it stands on is there.

        Raises:
            PartFailed: it was not in time.
        """
        for name, url in zip(self._ports, self.urls, strict=True):
            self._wait(name, Probe(url, "/readyz"), timeout_s)

    def _configure(self) -> None:
        self.folder.prepare()
        self._lock = self.folder.lock()
        for name in self._ports:
            self._ports[name] = claim(self._host, self._port if name == "web" else 0)
        if self._own_postgres:
            self.postgres.check()
            self.env["DATABASE_URL"] = self.postgres.url()
        if self._own_valkey:
            self.env["REDIS_URL"] = self.valkey.url()
        self._key_given = bool(self.env.get("ADMIN_KEY"))
        self._credentials = Credentials.work_out(self.folder.root, self.env)
        self.env = parts.environment(
            self.env,
            secrets=self._credentials,
            host=self._host,
            port=self._ports["web"],
        )
        self._check_external(Settings.from_env(self.env))

    def _check_external(self, settings: Settings) -> None:
        if self._own_postgres and self._own_valkey:
            return
        # Imported where it is used, since the clients' packages would delay every start.
        from launcher.external import check_postgres, check_redis

        if not self._own_postgres:
            check_postgres(settings.database_url)
        if not self._own_valkey:
            check_redis(settings.redis_url)

    def _start_servers(self) -> None:
        wait_until(
            lambda: not (self.postgres.left_over() or self.valkey.left_over()),
            timeout_s=LEFT_OVER_TIMEOUT_S,
            what=lambda: f"Older servers on the data folder {self.folder.root} do not end.",
            abort=self.abort,
        )
        if self._own_postgres:
            if initdb := self.postgres.initdb():
                self.supervisor.run(initdb, timeout_s=INITDB_TIMEOUT_S, abort=self.abort)
                self.postgres.adopt()
            self._begin(self.postgres.program())
        if self._own_valkey:
            self._begin(self.valkey.program())
        for name in list(self._programs):
            self._wait_answer(name)

    def _prepare(self) -> None:
        try:
            self._run_prepare()
        except KeyRefused:
            if self._key_given:
                raise
            self._credentials = self._credentials.with_new_admin_key()
            self.env["ADMIN_KEY"] = self._credentials.admin_key
            self._run_prepare()
            self._tell("The admin key that was kept here works no more; a new one takes its place.")
        # Only now, since what is wrong must not take the place of what is good.
        self._credentials.keep(self.folder.root)

    def _run_prepare(self) -> None:
        answer = self.folder.run / "prepared.json"
        program = parts.prepare(self.env, answer)
        try:
            self.supervisor.run(program, timeout_s=PREPARE_TIMEOUT_S, abort=self.abort)
        except PartFailed as failure:
            raise as_sentence(failure) from None
        self.prepared = take_prepared(answer)

    def _start_product(self) -> None:
        for name, port in self._ports.items():
            self._begin(parts.web(name, self.env, port))
        for name in self._workers:
            self._begin(parts.worker(name, self.env))
        self._begin(parts.clock(self.env))
        self.wait_ready()
        if self._demo:
            self._begin(parts.demo(self.env, self.url, self._demo_key()))

    def _demo_key(self) -> str:
        kept = self.folder.root / "demo_key"
        key = kept.read_text().strip() if kept.exists() else ""
        if not key or not Probe(self.url, "/v1/auth/me", key=key)():
            answer = self.folder.run / "demo_key"
            program = parts.demo_key(self.env, answer)
            self.supervisor.run(program, timeout_s=COMMAND_TIMEOUT_S, abort=self.abort)
            key = take_key(answer)
            keep_private(kept, key)
        return key

    def _begin(self, program: Program) -> None:
        self._programs[program.name] = program
        self.supervisor.start(program)

    def _wait_answer(self, name: str) -> None:
        if name == self.postgres.name:
            self._wait(name, self.postgres.ready, self.postgres.start_timeout_s)
        elif name == self.valkey.name:
            self._wait(name, self.valkey.ready, self.valkey.start_timeout_s)
        elif name in self._ports:
            url = address(self._host, self._ports[name])
            self._wait(name, Probe(url, "/healthz"), READY_TIMEOUT_S)

    def _wait(self, name: str, ready: Callable[[], bool], timeout_s: float) -> None:
        def ready_or_dead() -> bool:
            self.supervisor.check_alive()
            return ready()

        def late() -> str:
            answer = f" ({ready.last})" if isinstance(ready, Probe) else ""
            return f"{name} was not ready within {timeout_s:g} s{answer}."

        wait_until(ready_or_dead, timeout_s=timeout_s, what=late, abort=self.abort)


def _numbered(kind: str, number: int) -> str:
    return kind if number == 1 else f"{kind}-{number}"
