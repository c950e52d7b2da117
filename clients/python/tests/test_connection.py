"""How connections begin, break, end and come back, over real sockets."""

from __future__ import annotations

import json
import socket

import pytest
from telltale_client import Agent, AgentFailed, Connection
from websockets.datastructures import Headers
from websockets.http11 import Response

from clients.python.tests.scripted_server import KEY, Peer, Script, ScriptedServer, eventually
from clients.python.tests.talking import connect, say


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
