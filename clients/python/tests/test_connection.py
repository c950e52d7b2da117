"""The client against a scripted server over real sockets: every way a connection can go."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from telltale_client import Agent, AgentFailed, BufferFull, Command, Connection, Rejection
from websockets.datastructures import Headers
from websockets.http11 import Response

from clients.python.tests.scripted_server import KEY, Peer, Script, ScriptedServer, eventually


@pytest.fixture
def agents() -> Iterator[list[Agent]]:
    """Agents to close at the end, whatever happened."""
    made: list[Agent] = []
    yield made
    for agent in made:
        agent.close(0)


def connect(agents: list[Agent], server: ScriptedServer, **options: Any) -> Agent:
    agent = Agent(server.url, KEY, "a", **options)
    agents.append(agent)
    return agent


def say(agent: Agent, count: int, start: int = 0) -> list[str]:
    words = [str(number) for number in range(start, start + count)]
    for word in words:
        agent.log(word)
    return words


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


def test_it_comes_back_after_draining_and_resumes(agents: list[Agent]) -> None:
    def drain(peer: Peer) -> None:
        peer.welcome()
        peer.store(1)
        peer.receive("events")  # read, and neither kept nor acknowledged
        peer.close(4001, "restarting", retry_after_ms=10)

    with ScriptedServer(drain) as server:
        agent = connect(agents, server)
        words = say(agent, 1)
        eventually(lambda: agent.stats().stored == 1)
        words += say(agent, 500, 1)
        assert agent.flush(10)
        assert server.messages() == words
        assert server.history("a").duplicates == 0
        assert server.hellos[0]["incarnation"] == server.hellos[1]["incarnation"]
        assert agent.stats().connects == 2


def test_a_server_that_vanishes_in_the_middle_of_a_frame(agents: list[Agent]) -> None:
    def die(peer: Peer) -> None:
        peer.welcome()
        frame = peer.receive("events")
        peer.take(frame)
        peer.vanish(b"\x81\x7e\x01\x00{half of an ack")

    with ScriptedServer(die, die) as server:
        agent = connect(agents, server)
        words = say(agent, 200)
        assert agent.flush(15)
        assert server.messages() == words


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


def test_a_welcome_from_another_world_starts_a_new_incarnation(agents: list[Agent]) -> None:
    def first(peer: Peer) -> None:
        peer.welcome()
        peer.receive("events")
        peer.vanish()

    def amnesia(peer: Peer) -> None:
        peer.welcome(stored=40)

    with ScriptedServer(first, amnesia) as server:
        agent = connect(agents, server)
        words = say(agent, 3)
        assert agent.flush(15)
        assert server.messages() == words
        assert len({hello["incarnation"] for hello in server.hellos}) == 2


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


@pytest.mark.parametrize("code", [4500, 4501, 4503, 4504])
def test_final_codes_end_the_agent(agents: list[Agent], code: int) -> None:
    def turn_away(peer: Peer) -> None:
        peer.welcome()
        peer.receive("events")
        peer.close(code, "go away", reconnect=False)

    with ScriptedServer(turn_away) as server:
        agent = connect(agents, server)
        agent.log("x")
        eventually(lambda: agent.connection is Connection.FAILED)
        with pytest.raises(AgentFailed, match="go away") as caught:
            agent.log("y")
        assert caught.value.code == code
        assert not agent.flush(5)
        assert agent.pending == 1
        assert not agent.close()
        assert len(server.hellos) == 1


def test_bad_credentials_end_the_agent(
    agents: list[Agent], caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedServer() as server:
        body = b'{"code": "unauthenticated", "detail": "This key is unknown."}'
        headers = Headers({"Content-Length": str(len(body))})
        server.refuse = Response(401, "Unauthorized", headers, body)
        agent = connect(agents, server)
        eventually(lambda: agent.connection is Connection.FAILED)
        with pytest.raises(AgentFailed, match=r"401.*This key is unknown"):
            agent.log("x")
        assert KEY not in caplog.text


def test_a_server_that_is_starting_is_tried_again(agents: list[Agent]) -> None:
    with ScriptedServer() as server:
        server.refuse = Response(503, "Unavailable", Headers({"Content-Length": "0"}), b"")
        agent = connect(agents, server)
        words = say(agent, 3)
        eventually(lambda: agent.connection is Connection.OFFLINE)
        server.refuse = None
        assert agent.flush(10)
        assert server.messages() == words


def test_a_server_that_appears_later_gets_everything(agents: list[Agent]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    agent = Agent(f"http://127.0.0.1:{port}", KEY, "a")
    agents.append(agent)
    words = say(agent, 5)
    eventually(lambda: agent.connection is Connection.OFFLINE)
    with ScriptedServer(port=port) as server:
        assert agent.flush(10)
        assert server.messages() == words


def test_quiet_connections_ping_and_silence_means_dead(agents: list[Agent]) -> None:
    def silent(peer: Peer) -> None:
        peer.welcome(ping_interval_s=0.2)
        assert json.loads(peer.socket.recv(5)) == {"type": "ping"}  # and no answer
        for message in peer.socket:  # until the client hangs up
            assert json.loads(message) == {"type": "ping"}

    def lively(peer: Peer) -> None:
        peer.welcome(ping_interval_s=0.2)
        for _ in range(4):
            peer.receive("ping")
            peer.send("pong")
        peer.store()

    with ScriptedServer(silent, lively) as server:
        agent = connect(agents, server)
        eventually(lambda: len(server.hellos) == 2)
        eventually(lambda: sum(frame["type"] == "ping" for frame in server.frames) >= 4)
        words = say(agent, 3)
        assert agent.flush(5)
        assert server.messages() == words
        assert agent.stats().connects == 2


def test_rubbish_from_the_server_is_survived(agents: list[Agent]) -> None:
    def rubbish(text: str) -> Script:
        def play(peer: Peer) -> None:
            peer.welcome()
            peer.receive("events")
            peer.socket.send(text)
            assert list(peer.socket) is not None  # reads until the client hangs up

        return play

    def ack_too_much(peer: Peer) -> None:
        peer.welcome()
        peer.receive("events")
        peer.send("ack", logged=99, stored=99)

    with ScriptedServer(rubbish("nonsense"), rubbish('{"type":"nack"}'), ack_too_much) as server:
        agent = connect(agents, server)
        agent.log("x")
        assert agent.flush(20)
        assert server.messages() == ["x"]


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


def test_commands_are_acknowledged_and_run_once(agents: list[Agent]) -> None:
    ran: list[Command] = []

    def obey(command: Command) -> str | None:
        ran.append(command)
        if command.name == "fail":
            raise RuntimeError("cannot")
        return "fine"

    def order(peer: Peer) -> None:
        peer.welcome(config={"version": 3, "value": {"speed": 1}})
        for _ in range(2):
            peer.send("command", id="1", name="pause", args={"x": 1}, deadline=None)
        peer.send("command", id="2", name="fail", args={})
        peer.send("config", version=4, value={"speed": 2})
        answers = [peer.receive("command_ack") for _ in range(5)]
        assert {(one["id"], one["status"]) for one in answers} == {
            ("1", "received"), ("1", "done"), ("2", "received"), ("2", "failed"),
        }  # fmt: skip
        peer.vanish()

    def again(peer: Peer) -> None:
        peer.welcome()
        peer.send("command", id="1", name="pause", args={})
        assert peer.receive("command_ack")["detail"] == "fine"
        peer.store()

    configs: list[tuple[int, Any]] = []

    def configure(version: int, value: Any) -> None:
        configs.append((version, value))

    with ScriptedServer(order, again) as server:
        agent = connect(agents, server, on_command=obey, on_config=configure)
        eventually(lambda: len(server.hellos) == 2)
        eventually(lambda: sum(frame["type"] == "command_ack" for frame in server.frames) == 6)
        assert [command.name for command in ran] == ["pause", "fail"]
        assert configs == [(3, {"speed": 1}), (4, {"speed": 2})]
        agent.close()


def test_an_agent_without_ears_says_so(agents: list[Agent]) -> None:
    answers: list[dict[str, Any]] = []

    def order(peer: Peer) -> None:
        peer.welcome()
        peer.send("command", id="1", name="pause", args={})
        answers.append(peer.receive("command_ack"))
        peer.store()

    with ScriptedServer(order) as server:
        connect(agents, server)
        eventually(lambda: answers)
        assert answers[0]["status"] == "failed"
