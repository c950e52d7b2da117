"""What the server says of events, and what it asks of an agent, over real sockets."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from telltale_client import Agent, BufferFull, Connection, Rejection

from clients.python.tests.scripted_server import KEY, Peer, ScriptedServer, eventually
from clients.python.tests.talking import connect, say


def test_events_arrive_in_order_and_are_forgotten_once_stored(agents: list[Agent]) -> None:
    with ScriptedServer() as server:
        agent = connect(agents, server, name="Ann", meta={"v": 1}, incarnation=7)
        words = say(agent, 3000)
        assert agent.flush(10)
        assert server.messages() == words
        assert agent.stats().stored == 3000
        assert agent.pending == 0
        assert agent.connection is Connection.ONLINE
        request = server.requests[0]
        assert request.path == "/ws/agent"
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["Sec-WebSocket-Protocol"] == "telltale.v1+json"
        assert server.hellos[0] == {
            "type": "hello", "agent_id": "a", "role": "worker", "incarnation": 7,
            "name": "Ann", "meta": {"v": 1},
        }  # fmt: skip
        frames = [frame for frame in server.frames if frame["type"] == "events"]
        assert max(len(frame["items"]) for frame in frames) <= 1000
        assert agent.close()


def test_logged_is_not_stored(agents: list[Agent]) -> None:
    release = threading.Event()

    def log_first(peer: Peer) -> None:
        peer.welcome()
        peer.receive("events")
        peer.send("ack", logged=1, stored=0)
        release.wait(10)
        peer.send("ack", logged=1, stored=1)
        peer.store()

    with ScriptedServer(log_first) as server:
        agent = connect(agents, server)
        agent.log("x")
        assert not agent.flush(0.3)
        release.set()
        assert agent.flush(5)


def test_a_hole_is_filled_from_where_the_server_says(agents: list[Agent]) -> None:
    def forgetful(peer: Peer) -> None:
        peer.welcome()
        got = peer.receive("events")
        while len(got["items"]) + got["seq"] <= 10:
            got = peer.receive("events")
        peer.send("nack", expected=1)
        peer.store()

    with ScriptedServer(forgetful) as server:
        agent = connect(agents, server)
        words = say(agent, 10)
        assert agent.flush(10)
        assert server.messages() == words
        assert len(server.hellos) == 1


def test_a_hole_that_cannot_be_filled_starts_a_new_incarnation(agents: list[Agent]) -> None:
    def lose_all(peer: Peer) -> None:
        peer.welcome()
        peer.store(1)
        peer.receive("events")
        peer.send("nack", expected=1)  # it said that 1 is stored
        assert list(peer.socket) is not None  # reads until the client hangs up

    with ScriptedServer(lose_all) as server:
        agent = connect(agents, server)
        words = say(agent, 1)
        eventually(lambda: agent.stats().stored == 1)
        words += say(agent, 50, 1)
        assert agent.flush(10)
        assert server.messages() == words
        assert server.hellos[1]["incarnation"] > server.hellos[0]["incarnation"]
        renumbered = [frame for frame in server.frames if frame["type"] == "events"][-1]
        assert renumbered["seq"] <= 50


def test_a_rejected_event_is_spent_and_named(agents: list[Agent]) -> None:
    rejections: list[Rejection] = []

    def picky(peer: Peer) -> None:
        peer.welcome()
        frame = peer.receive("events")
        while frame["seq"] + len(frame["items"]) <= 3:
            frame = peer.receive("events")
        for _ in range(2):  # the second time it is no news
            peer.send("reject", seq=2, id="b", code="invalid_data", detail="No.")
        peer.send("ack", logged=3, stored=3)
        peer.store()

    with ScriptedServer(picky) as server:
        agent = connect(agents, server, on_reject=rejections.append)
        for name in ("a", "b", "c"):
            agent.emit("x.y", id=name)
        assert agent.flush(5)
        eventually(lambda: rejections)
        assert [(one.id, one.seq, one.code, one.detail) for one in rejections] == [
            ("b", 2, "invalid_data", "No.")
        ]
        assert json.loads(rejections[0].event)["type"] == "x.y"
        stats = agent.stats()
        assert (stats.stored, stats.rejected, stats.pending) == (2, 1, 0)


def test_a_rejection_alone_settles(agents: list[Agent]) -> None:
    def refuse_all(peer: Peer) -> None:
        peer.welcome()
        peer.receive("events")
        peer.send("reject", seq=1, id="e", code="c", detail="d")
        peer.receive("hello", 30)

    with ScriptedServer(refuse_all) as server:
        agent = connect(agents, server)
        agent.log("x")
        assert agent.flush(5)
        assert agent.rejected == 1
        agent.close()


def test_slow_is_waited_out_and_sent_again(agents: list[Agent]) -> None:
    refused: list[dict[str, Any]] = []

    def busy(peer: Peer) -> None:
        peer.welcome()
        refused.append(peer.receive("events"))
        peer.send("slow", retry_after_ms=300, reason="rate")
        peer.store()

    with ScriptedServer(busy) as server:
        agent = connect(agents, server)
        words = say(agent, 2000)
        assert agent.flush(10)
        assert server.messages() == words
        assert server.history("a").duplicates == 0
        again = [frame for frame in server.frames if frame["type"] == "events"]
        assert sum(frame["seq"] == refused[0]["seq"] for frame in again) == 2


def test_the_window_is_bounded(agents: list[Agent]) -> None:
    received: list[int] = []
    release = threading.Event()

    def stingy(peer: Peer) -> None:
        peer.welcome()
        while sum(received) < 50:
            received.append(len(peer.receive("events")["items"]))
        with pytest.raises(TimeoutError):
            peer.receive("events", 0.3)
        release.set()
        peer.send("nack", expected=1)
        peer.store()

    with ScriptedServer(stingy) as server:
        agent = connect(agents, server, window_events=50)
        words = say(agent, 120)
        assert release.wait(10)
        assert sum(received) == 50
        assert agent.flush(10)
        assert server.messages() == words


def test_a_server_that_does_not_read_blocks_nobody_but_the_full(agents: list[Agent]) -> None:
    release = threading.Event()

    def deaf(peer: Peer) -> None:
        peer.welcome()
        release.wait(20)
        peer.store()

    with ScriptedServer(deaf) as server:
        agent = connect(agents, server, buffer_size=200, block_timeout=0.3, window_bytes=64 << 20)
        big = "x" * 60_000
        for number in range(200):
            agent.emit("big.one", {"n": number, "pad": big})
        with pytest.raises(BufferFull, match="200 events"):
            agent.log("one more")
        agent.metric(cpu_pct=1.0)
        assert agent.dropped == 1
        release.set()
        assert agent.flush(20)
        assert [item["data"]["n"] for item in server.history("a").items] == list(range(200))
