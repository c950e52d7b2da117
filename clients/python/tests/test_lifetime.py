"""Exits, forks, multiprocessing and gevent: whole programs in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from clients.python.tests.scripted_server import KEY, Peer, ScriptedServer, eventually

START = """
import os, sys, time
from telltale_client import Agent
agent = Agent(os.environ["TEST_URL"], os.environ["TEST_KEY"], "a")
"""


def launch(server: ScriptedServer, program: str, before: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", before + START + textwrap.dedent(program)],
        env={
            **os.environ,
            "TEST_URL": server.url,
            "TEST_KEY": KEY,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(server: ScriptedServer, program: str, before: str = "", timeout_s: float = 30) -> str:
    process = launch(server, program, before)
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, errors
    assert "Traceback" not in errors, errors
    return output


def test_a_program_that_simply_ends_has_sent_everything() -> None:
    with ScriptedServer() as server:
        run(server, "[agent.log(str(n)) for n in range(2000)]")
        assert server.messages() == [str(n) for n in range(2000)]


def test_a_program_that_fails_has_sent_everything() -> None:
    with ScriptedServer() as server:
        process = launch(server, "agent.log('last words'); sys.exit(3)")
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 3, errors
        assert server.messages() == ["last words"]


def hold(peer: Peer) -> None:
    """Say nothing until the client hangs up."""
    list(peer.socket)


def test_the_exit_waits_only_so_long_for_a_dead_server() -> None:
    with ScriptedServer(hold, hold) as server:
        program = """
            agent.close(0)
            other = Agent(os.environ["TEST_URL"], os.environ["TEST_KEY"], "b", exit_timeout=0.5)
            other.log("x")
            print(time.time())
        """
        started = float(run(server, program))
        assert 0.5 <= time.time() - started < 5
        assert server.messages("b") == []


def test_a_killed_child_costs_the_parent_nothing() -> None:
    with ScriptedServer() as server:
        program = "agent.log('x'); agent.flush(); print('ok', flush=True); time.sleep(60)"
        process = launch(server, program)
        assert process.stdout is not None
        assert process.stdout.readline() == "ok\n"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
        assert server.messages() == ["x"]


def test_a_forked_child_has_its_own_connection_and_none_of_the_parents_events() -> None:
    program = """
        for n in range(100):
            agent.log(f"parent {n}")
        child = os.fork()
        if child == 0:
            assert agent.pending == 0 and agent.stats().emitted == 0
            agent.log("child")
            assert agent.flush(10)
            agent.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(agent.connection)
    """
    with ScriptedServer() as server:
        run(server, program)
        arrived = server.messages()
        assert sorted(arrived) == sorted(["child", *(f"parent {n}" for n in range(100))])
        assert server.history("a").duplicates == 0
        assert len({hello["incarnation"] for hello in server.hellos}) == 2


def test_children_that_say_nothing_do_not_connect_and_may_have_their_own_name() -> None:
    program = """
        agent.close()
        agent = Agent(os.environ["TEST_URL"], os.environ["TEST_KEY"], "p",
                      child_id=lambda name, pid: f"{name}.child")
        agent.log("before")
        for talk in (False, True):
            child = os.fork()
            if child == 0:
                if talk:
                    agent.log("from the child")
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
        agent.log("after")
    """
    with ScriptedServer() as server:
        run(server, program)
        assert server.messages("p") == ["before", "after"]
        assert server.messages("p.child") == ["from the child"]
        assert len([hello for hello in server.hellos if hello["agent_id"] != "a"]) == 2


def test_a_fork_in_the_middle_of_everything_never_hangs_or_doubles() -> None:
    program = """
        import threading
        stop = threading.Event()
        def talk():
            while not stop.is_set():
                agent.log("parent")
        threads = [threading.Thread(target=talk) for _ in range(3)]
        [thread.start() for thread in threads]
        for n in range(15):
            time.sleep(0.01)
            child = os.fork()
            if child == 0:
                agent.log("child")
                os._exit(0 if agent.flush(10) and agent.close() else 1)
            assert os.waitpid(child, 0)[1] == 0, n
        stop.set()
        [thread.join() for thread in threads]
        assert agent.flush(20)
        print(agent.stats().stored)
    """
    with ScriptedServer() as server:
        stored = int(run(server, program, timeout_s=60))
        assert server.messages().count("child") == 15
        assert server.messages().count("parent") == stored
        assert server.history("a").duplicates == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_flush_at_their_end(tmp_path: Path, method: str) -> None:
    (tmp_path / "job.py").write_text(
        textwrap.dedent("""
        import os
        from telltale_client import Agent

        def work(name):
            agent = Agent(os.environ["TEST_URL"], os.environ["TEST_KEY"], name)
            agent.log("from " + name)

        def inherit(agent):
            agent.log("inherited")
        """)
    )
    program = f"""
        sys.path.insert(0, {str(tmp_path)!r})
        import multiprocessing, job
        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=job.work, args=("c1",))]
            if {method!r} == "fork":
                children.append(context.Process(target=job.inherit, args=(agent,)))
            for child in children:
                child.start()
            for child in children:
                child.join()
                assert child.exitcode == 0
    """
    with ScriptedServer() as server:
        run(server, program)
        assert server.messages("c1") == ["from c1"]
        assert server.messages("a") == (["inherited"] if method == "fork" else [])


def test_a_spill_stays_with_the_parent(tmp_path: Path) -> None:
    path = tmp_path / "spill"
    program = f"""
        agent.close()
        agent = Agent("http://127.0.0.1:9", "k", "s", buffer_size=1, overflow="raise",
                      spill={str(path)!r}, exit_timeout=0.1)
        agent.log("one")
        agent.log("two")
        child = os.fork()
        if child == 0:
            agent.log("three")
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        agent.log("four")
    """
    with ScriptedServer() as server:
        process = launch(server, program)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
    text = path.read_text()
    assert [word in text for word in ("one", "two", "three", "four")] == [True, True, False, True]


gevent = pytest.mark.skipif(
    importlib.util.find_spec("gevent") is None, reason="gevent is not installed"
)
PATCH = "from gevent import monkey; monkey.patch_all()\n"


@gevent
def test_a_gevent_program_works_and_is_not_held_up() -> None:
    program = """
        import gevent
        ticks = []
        def tick():
            while True:
                ticks.append(time.monotonic())
                gevent.sleep(0.01)
        ticker = gevent.spawn(tick)
        def talk(name):
            for n in range(500):
                agent.log(f"{name}.{n}")
                if n % 50 == 0:
                    gevent.sleep(0)
        gevent.joinall([gevent.spawn(talk, name) for name in "abc"])
        assert agent.flush(10)
        gevent.sleep(0.1)
        ticker.kill()
        print(max(b - a for a, b in zip(ticks, ticks[1:])))
        agent.log("last")
    """
    with ScriptedServer() as server:
        longest = float(run(server, program, PATCH))
        assert longest < 0.5
        assert len(server.messages()) == 1501
        assert server.messages()[-1] == "last"


@gevent
def test_a_gevent_fork_leaves_the_parents_connection_alone() -> None:
    program = """
        import gevent
        agent.log("parent before")
        assert agent.flush(10)
        child = gevent.os.fork()
        if child == 0:
            gevent.sleep(0.2)
            agent.log("child")
            assert agent.flush(10)
            agent.close()
            os._exit(0)
        assert gevent.os.waitpid(child, 0)[1] == 0
        agent.log("parent after")
        assert agent.flush(10)
        print(agent.stats().connects)
    """
    with ScriptedServer() as server:
        assert run(server, program, PATCH) == "1\n"
        assert sorted(server.messages()) == ["child", "parent after", "parent before"]
        eventually(lambda: len(server.hellos) == 2)
