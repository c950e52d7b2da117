"""The public face: arguments, threads, back-pressure, and the end."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from telltale_client import Agent, AgentClosed, BufferFull, Connection, InvalidEvent, SpillUnusable

from clients.python.tests.scripted_server import KEY, Peer, ScriptedServer, eventually


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://x"},
        {"url": "no address"},
        {"url": "http://host/?a=b"},
        {"url": "http://user:pw@host"},
        {"key": ""},
        {"key": "two\r\nlines"},
        {"agent_id": ""},
        {"agent_id": "a b"},
        {"agent_id": "x" * 129},
        {"role": "boss"},
        {"name": "x" * 201},
        {"meta": {"x": float("nan")}},
        {"incarnation": 0},
        {"incarnation": 2**60},
        {"overflow": "drop"},
        {"buffer_size": 0},
    ],
)
def test_arguments_that_cannot_be_right(change: dict[str, Any]) -> None:
    arguments = {"url": "http://127.0.0.1:1", "key": KEY, "agent_id": "a", **change}
    threads = threading.active_count()
    with pytest.raises(ValueError, match=r"\w \w"):
        Agent(**arguments)
    assert threading.active_count() == threads


def test_bad_events_raise_where_they_are_made_and_nothing_is_taken(nowhere: str) -> None:
    agent = Agent(nowhere, KEY, "a")
    bad: list[dict[str, Any]] = [
        {"type": "Bad Type"},
        {"type": "x", "data": {"n": float("nan")}},
        {"type": "x", "id": "with space"},
        {"type": "x", "id": "x" * 65},
        {"type": "x", "task_id": "\ud800"},
    ]
    for arguments in bad:
        with pytest.raises(InvalidEvent):
            agent.emit(**arguments)
    with pytest.raises(InvalidEvent):
        agent.metric()
    with pytest.raises(InvalidEvent):
        agent.log("a\0b")
    assert agent.stats().emitted == 0
    assert agent.close(0)


def test_what_is_emitted_is_what_was_at_that_moment() -> None:
    with ScriptedServer() as server, Agent(server.url, KEY, "a") as agent:
        data = {"list": [1]}
        first = agent.emit("x.y", data, task_id="t", trace_id="r", severity="error", id="given")
        data["list"].append(2)
        agent.status("working", "on it", task_id="t")
        agent.metric(cpu_pct=1.5, memory_bytes=10)
        agent.log("hello", "warning")
        assert agent.flush(5)
        items = server.history("a").items
        assert first == "given"
        assert items[0].pop("time").endswith("Z")
        assert items[0] == {
            "id": "given", "type": "x.y", "task_id": "t", "trace_id": "r", "severity": "error",
            "data": {"list": [1]},
        }  # fmt: skip
        assert [(item["type"], item["data"]) for item in items[1:]] == [
            ("agent.status", {"status": "working", "note": "on it"}),
            ("agent.metric", {"cpu_pct": 1.5, "memory_bytes": 10}),
            ("agent.log", {"message": "hello"}),
        ]


def test_many_threads_keep_their_own_order() -> None:
    with ScriptedServer() as server, Agent(server.url, KEY, "a", buffer_size=300) as agent:

        def talk(name: str) -> None:
            for number in range(500):
                agent.log(f"{name}.{number}")

        threads = [threading.Thread(target=talk, args=(name,)) for name in "abcdef"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert agent.flush(20)
        arrived = server.messages()
        assert len(arrived) == 3000
        for name in "abcdef":
            own = [word for word in arrived if word.startswith(name)]
            assert own == [f"{name}.{number}" for number in range(500)]


def test_a_full_buffer_raises_or_blocks_but_drops_only_the_small_talk(nowhere: str) -> None:
    agent = Agent(nowhere, KEY, "a", buffer_size=5, overflow="raise")
    for number in range(5):
        agent.log(f"{number}", "debug")
    for number in range(5):
        agent.log(f"important {number}")
    assert agent.dropped == 5
    agent.metric(x=1)
    assert agent.dropped == 6
    with pytest.raises(BufferFull, match="5 events wait"):
        agent.log("too many")
    assert agent.pending == 5
    assert not agent.close(0)

    patient = Agent(nowhere, KEY, "a", buffer_size=1, block_timeout=0.2)
    patient.log("one")
    start = time.monotonic()
    with pytest.raises(BufferFull):
        patient.log("two")
    assert 0.2 <= time.monotonic() - start < 2
    assert not patient.close(0)


def test_a_blocked_emit_goes_on_when_there_is_room() -> None:
    gate = threading.Event()

    def hold(peer: Peer) -> None:
        gate.wait(10)
        peer.serve()

    with ScriptedServer(hold) as server, Agent(server.url, KEY, "a", buffer_size=2) as agent:
        done = threading.Event()

        def talk() -> None:
            for number in range(10):
                agent.log(str(number))
            done.set()

        thread = threading.Thread(target=talk)
        thread.start()
        assert not done.wait(0.2)
        gate.set()
        assert done.wait(10)
        thread.join()
        assert agent.flush(5)
        assert server.messages() == [str(number) for number in range(10)]


def test_a_blocked_emit_is_told_that_the_agent_is_closed(nowhere: str) -> None:
    agent = Agent(nowhere, KEY, "a", buffer_size=1)
    agent.log("one")
    errors: list[BaseException] = []

    def talk() -> None:
        try:
            agent.log("two")
        except AgentClosed as error:
            errors.append(error)

    thread = threading.Thread(target=talk)
    thread.start()
    assert not agent.close(0.1)
    thread.join(5)
    assert errors
    with pytest.raises(AgentClosed):
        agent.log("three")
    assert not agent.close()


def test_flush_does_not_wait_for_what_comes_after_it() -> None:
    stop = threading.Event()
    with ScriptedServer() as server, Agent(server.url, KEY, "a") as agent:

        def chatter() -> None:
            while not stop.wait(0.0005):
                agent.log("more")

        thread = threading.Thread(target=chatter)
        thread.start()
        try:
            for _ in range(20):
                mark = agent.log("mark")
                assert agent.flush(5)
                assert mark in server.history("a").ids
        finally:
            stop.set()
            thread.join()


def test_closing_ends_the_threads_and_says_what_is_left(
    nowhere: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = threading.active_count()
    agent = Agent(nowhere, KEY, "a")
    agent.log("never sent")
    start = time.monotonic()
    assert not agent.close(0.1)
    assert time.monotonic() - start < 2
    assert "1 events" in caplog.text
    assert threading.active_count() == before
    assert agent.connection is Connection.CLOSED


def test_a_spill_carries_events_over_to_the_next_start(nowhere: str, tmp_path: Path) -> None:
    path = tmp_path / "spill.ndjson"
    agent = Agent(nowhere, KEY, "a", buffer_size=10, spill=path)
    ids = [agent.log(str(number)) for number in range(100)]
    with pytest.raises(SpillUnusable):
        Agent(nowhere, KEY, "a", spill=path)
    assert not agent.close(0)
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in lines[1:]] == ids

    with ScriptedServer() as server:
        later = Agent(server.url, KEY, "a", buffer_size=10, spill=path)
        last = later.log("100")
        assert later.flush(10)
        assert [item["id"] for item in server.history("a").items] == [*ids, last]
        assert later.close()
        assert not path.exists()


def test_a_spill_is_used_while_the_server_is_away_and_order_holds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    path = tmp_path / "spill.ndjson"
    agent = Agent(f"http://127.0.0.1:{port}", KEY, "a", buffer_size=50, spill=path)
    for number in range(1000):
        agent.log(str(number))
    assert agent.stats().spilled == 950
    with ScriptedServer(port=port) as server:
        eventually(lambda: agent.connection is Connection.ONLINE)
        for number in range(1000, 1500):
            agent.log(str(number))
        assert agent.flush(20)
        assert server.messages() == [str(number) for number in range(1500)]
        assert agent.close()
    assert not path.exists()
