"""The supervisor, with small children that live and die on command."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from launcher.errors import LauncherError, PartFailed, Stopped
from launcher.folder import DataFolder
from launcher.process import Program
from launcher.supervisor import Supervisor
from launcher.waiting import wait_until

SLEEPER = "import time; time.sleep(600)"
FAMILY = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); {SLEEPER}"
FAILING = "print('first'); print('no such thing'); raise SystemExit(3)"


def program(name: str, code: str, *, stop_timeout_s: float = 5.0) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, "-u", "-c", code),
        cwd=Path.cwd(),
        env=dict(os.environ),
        stop_timeout_s=stop_timeout_s,
    )


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    folder.prepare()
    return folder


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(folder: DataFolder, told: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(folder, tell=told.append)
    yield supervisor
    supervisor.hurry.set()
    supervisor.stop_all()


def until(condition: object, what: str) -> None:
    assert callable(condition)
    wait_until(condition, timeout_s=20, what=lambda: what)


def test_a_child_that_dies_is_named_and_started_again(
    supervisor: Supervisor, told: list[str]
) -> None:
    first = supervisor.start(program("sleeper", SLEEPER))
    supervisor.keep_alive()
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: supervisor.process("sleeper").pid != first.pid, "it was not started again")
    assert supervisor.process("sleeper").alive
    assert told == ["sleeper ended (SIGKILL); it starts again in 0.5 s."]


def test_a_child_that_keeps_dying_ends_the_whole_with_its_last_lines(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.supervisor.FIRST_DELAY_S", 0.01)
    supervisor.start(program("failing", FAILING))
    supervisor.keep_alive()
    assert supervisor.wake.wait(30)
    failure = supervisor.failure
    assert failure is not None
    assert str(failure).startswith("failing ended 6 times within a minute (exit status 3)")
    assert failure.log_lines[-1] == "no such thing"


def test_what_is_not_essential_stays_down_and_the_rest_goes_on(
    supervisor: Supervisor, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.supervisor.FIRST_DELAY_S", 0.01)
    supervisor.start(program("sleeper", SLEEPER))
    supervisor.start(replace(program("failing", FAILING), essential=False))
    supervisor.keep_alive()
    until(lambda: any("It stays down" in line for line in told), "it was not given up")
    assert supervisor.failure is None
    assert supervisor.running() == ["sleeper"]


def deny_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the system has no process left for us."""

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("launcher.process.subprocess.Popen", refuse)


def test_a_child_that_cannot_be_started_again_ends_the_whole(
    supervisor: Supervisor, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.supervisor.FIRST_DELAY_S", 0.01)
    process = supervisor.start(program("talker", f"print('last words'); {SLEEPER}"))
    until(lambda: "last words" in folder.log("talker").read_text(), "it says nothing")
    supervisor.keep_alive()
    deny_processes(monkeypatch)
    os.kill(process.pid, signal.SIGKILL)
    assert supervisor.wake.wait(30)
    failure = supervisor.failure
    assert failure is not None
    assert str(failure).startswith("talker could not be started again ([Errno 11] Resource")
    assert failure.log_lines == ["last words"]


def test_the_rest_goes_on_without_what_is_not_essential_and_cannot_be_started_again(
    supervisor: Supervisor, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("launcher.supervisor.FIRST_DELAY_S", 0.01)
    supervisor.start(program("sleeper", SLEEPER))
    process = supervisor.start(replace(program("extra", SLEEPER), essential=False))
    supervisor.keep_alive()
    deny_processes(monkeypatch)
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: any("extra could not be started again" in line for line in told), "untold")
    assert "It stays down" in told[-1]
    assert supervisor.failure is None
    assert supervisor.running() == ["sleeper"]


def test_a_child_that_was_stopped_stays_so(supervisor: Supervisor, told: list[str]) -> None:
    supervisor.start(program("sleeper", SLEEPER))
    supervisor.keep_alive()
    supervisor.stop("sleeper")
    assert supervisor.running() == []
    assert told == []
    supervisor.start(program("sleeper", SLEEPER))
    assert supervisor.running() == ["sleeper"]


def test_nothing_is_started_twice(supervisor: Supervisor) -> None:
    supervisor.start(program("sleeper", SLEEPER))
    with pytest.raises(LauncherError, match="sleeper is running already"):
        supervisor.start(program("sleeper", SLEEPER))


def test_a_death_before_all_is_up_is_an_error(supervisor: Supervisor) -> None:
    process = supervisor.start(program("failing", FAILING))
    assert process.exited.wait(20)
    with pytest.raises(PartFailed, match=r"failing ended \(exit status 3\)") as caught:
        supervisor.check_alive()
    assert caught.value.log_lines == ["first", "no such thing"]


def test_children_stop_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    noting = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(tmp_path / 'order')!r}, 'a').write(sys.argv[1] + ' ')\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('listening', flush=True)\n"
        "time.sleep(600)\n"
    )
    for name in ("one", "two", "three"):
        argv = (sys.executable, "-c", noting, name)
        supervisor.start(Program(name=name, argv=argv, cwd=tmp_path, env=dict(os.environ)))
        log = tmp_path / "log" / f"{name}.log"
        until(lambda log=log: "listening" in log.read_text(), "it does not listen")
    supervisor.stop_all()
    assert (tmp_path / "order").read_text() == "three two one "


def test_a_deaf_child_is_killed_in_time(supervisor: Supervisor, folder: DataFolder) -> None:
    process = supervisor.start(program("stubborn", STUBBORN, stop_timeout_s=0.3))
    until(lambda: "deaf" in folder.log("stubborn").read_text(), "it did not start")
    supervisor.stop_all()
    assert process.returncode == -signal.SIGKILL


def test_a_kill_takes_what_the_child_has_started(supervisor: Supervisor) -> None:
    process = supervisor.start(program("family", FAMILY))
    until(lambda: len(process.pids()) > 1, "it started no child")
    grandchildren = [psutil.Process(pid) for pid in process.pids()[1:]]
    process.kill()
    until(lambda: not any(p.is_running() and p.status() != "zombie" for p in grandchildren), "left")


def test_a_stalled_child_goes_on(supervisor: Supervisor) -> None:
    process = supervisor.start(program("sleeper", SLEEPER))
    process.pause()
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "it goes on")
    process.resume()
    until(lambda: psutil.Process(process.pid).status() != psutil.STATUS_STOPPED, "it is stalled")


def test_a_run_that_fails_says_so(supervisor: Supervisor) -> None:
    with pytest.raises(PartFailed, match=r"failing failed \(exit status 3\)"):
        supervisor.run(program("failing", FAILING), timeout_s=20, abort=threading.Event())


def test_a_run_ends_when_nobody_wants_it_any_more(supervisor: Supervisor) -> None:
    abort = threading.Event()
    threading.Timer(0.2, abort.set).start()
    with pytest.raises(Stopped):
        supervisor.run(program("sleeper", SLEEPER), timeout_s=60, abort=abort)


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells a child of its parent's death"
)
def test_children_do_not_outlive_a_launcher_that_was_killed(tmp_path: Path) -> None:
    launcher = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from launcher.folder import DataFolder\n"
        "from launcher.process import Program\n"
        "from launcher.supervisor import Supervisor\n"
        "folder = DataFolder(Path(sys.argv[1])); folder.prepare()\n"
        "supervisor = Supervisor(folder, tell=print)\n"
        f"argv = (sys.executable, '-c', {SLEEPER!r})\n"
        "child = supervisor.start(Program(name='sleeper', argv=argv, cwd=folder.root, env={}))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    words = [sys.executable, "-c", launcher, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        child = psutil.Process(int(running.stdout.readline()))
        # The tether has taken hold once the child is what it was meant to be.
        until(lambda: "tether.py" not in " ".join(child.cmdline()), "the tether stays")
        running.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "it lives on")
