"""What the server asks of an agent: commands, each carried out once, and its configuration."""

from __future__ import annotations

import threading
import time
from typing import Any

from telltale_client import Agent, Command, Config

from clients.python.tests.scripted_server import Peer, ScriptedServer, eventually
from clients.python.tests.talking import connect

Answers = list[tuple[str, str]]


def answers(server: ScriptedServer) -> Answers:
    return [
        (frame["id"], frame["status"])
        for frame in list(server.frames)
        if frame["type"] == "command_ack"
    ]


def test_commands_are_acknowledged_and_run_once(agents: list[Agent]) -> None:
    ran: list[Command] = []

    def obey(command: Command) -> str | None:
        ran.append(command)
        if command.name == "fail":
            raise RuntimeError("cannot")
        return "fine"

    def order(peer: Peer) -> None:
        peer.welcome()
        for _ in range(2):
            peer.send("command", id="1", name="dig", args={"x": 1}, deadline=None)
        peer.send("command", id="2", name="fail", args={})
        given = [peer.receive("command_ack") for _ in range(5)]
        assert {(one["id"], one["status"]) for one in given} == {
            ("1", "received"), ("1", "done"), ("2", "received"), ("2", "failed"),
        }  # fmt: skip
        assert given[-1].get("detail") in {"RuntimeError: cannot", "fine"}
        peer.vanish()

    def again(peer: Peer) -> None:
        peer.welcome()
        # Nobody has acknowledged the answers, so they are given once more.
        repeated = [peer.receive("command_ack") for _ in range(2)]
        assert [(one["id"], one["status"], one["detail"]) for one in repeated] == [
            ("1", "done", "fine"), ("2", "failed", "RuntimeError: cannot"),
        ]  # fmt: skip
        peer.send("command", id="1", name="dig", args={})
        assert peer.receive("command_ack")["detail"] == "fine"
        peer.store()

    with ScriptedServer(order, again) as server:
        agent = connect(agents, server, on_command=obey)
        eventually(lambda: len(answers(server)) == 8)
        assert [(command.name, command.args) for command in ran] == [
            ("dig", {"x": 1}),
            ("fail", {}),
        ]
        agent.close()


def test_what_is_in_hand_is_said_again_after_a_reconnect(agents: list[Agent]) -> None:
    finish = threading.Event()

    def order(peer: Peer) -> None:
        peer.welcome()
        peer.send("command", id="1", name="dig", args={})
        assert peer.receive("command_ack")["status"] == "received"
        peer.vanish()

    def again(peer: Peer) -> None:
        peer.welcome()
        assert peer.receive("command_ack")["status"] == "received"
        finish.set()
        peer.store()

    with ScriptedServer(order, again) as server:
        agent = connect(agents, server, on_command=lambda _: str(finish.wait(10)))
        eventually(lambda: answers(server)[-1:] == [("1", "done")])
        agent.close()


def test_an_agent_without_ears_says_so(agents: list[Agent]) -> None:
    def order(peer: Peer) -> None:
        peer.welcome()
        peer.send("command", id="1", name="cancel", args={})
        peer.send("command", id="2", name="dig", args={})
        peer.store()

    with ScriptedServer(order) as server:
        connect(agents, server)
        eventually(lambda: answers(server) == [("1", "failed"), ("2", "failed")])


def test_pause_and_resume_are_known_to_every_agent(agents: list[Agent]) -> None:
    resume = threading.Event()

    def order(peer: Peer) -> None:
        peer.welcome()
        peer.send("command", id="1", name="pause", args={})
        assert peer.receive("command_ack")["status"] == "done"
        resume.wait(10)
        peer.send("command", id="2", name="resume", args={})
        # The first came late once more: the agent stays resumed.
        peer.send("command", id="1", name="pause", args={})
        peer.store()

    with ScriptedServer(order) as server:
        agent = connect(agents, server)
        assert agent.wait_while_paused(0)
        eventually(lambda: agent.paused)
        assert not agent.wait_while_paused(0.1)
        timer = threading.Timer(0.1, resume.set)
        timer.start()
        assert agent.wait_while_paused(10)
        timer.join()
        eventually(lambda: answers(server) == [("1", "done"), ("2", "done"), ("1", "done")])
        assert not agent.paused


def test_pausing_waits_for_no_callback(agents: list[Agent]) -> None:
    go_on = threading.Event()
    called: list[str] = []

    def work(command: Command) -> None:
        called.append(command.name)
        go_on.wait(10)

    def note(command: Command) -> str:
        called.append(command.name)
        return f"{command.name} it is"

    def order(peer: Peer) -> None:
        peer.welcome()
        for number, name in enumerate(("work", "pause", "cancel", "resume", "other")):
            peer.send("command", id=str(number), name=name, args={})
            if name == "pause":
                eventually(lambda: agent.paused)
                go_on.set()
        peer.store()

    with ScriptedServer(order) as server:
        agent = connect(
            agents, server, on_command=work, on_pause=note, on_resume=note, on_cancel=note
        )
        eventually(lambda: sum(status == "done" for _, status in answers(server)) == 5)
        assert called == ["work", "pause", "cancel", "resume", "other"]
        details = {f["id"]: f.get("detail") for f in server.frames if f.get("status") == "done"}
        assert details == {"0": None, "1": "pause it is", "2": "cancel it is",
                           "3": "resume it is", "4": None}  # fmt: skip


def test_a_paused_agent_can_be_closed(agents: list[Agent]) -> None:
    def order(peer: Peer) -> None:
        peer.welcome()
        peer.send("command", id="1", name="pause", args={})
        peer.store()

    with ScriptedServer(order) as server:
        agent = connect(agents, server)
        eventually(lambda: agent.paused)
        closing = threading.Timer(0.1, agent.close)
        closing.start()
        began = time.monotonic()
        assert not agent.wait_while_paused(10)
        assert time.monotonic() - began < 5
        closing.join()


def test_the_configuration_is_known_and_told_of_once(agents: list[Agent]) -> None:
    configs: list[tuple[int, Any]] = []

    held = threading.Event()

    def change(peer: Peer) -> None:
        held.wait(10)
        peer.welcome(config={"version": 3, "value": {"speed": 1}})
        peer.send("config", version=4, value={"speed": 2})
        eventually(lambda: len(configs) == 2)
        peer.vanish()

    def again(peer: Peer) -> None:
        peer.welcome(config={"version": 4, "value": {"speed": 2}})
        peer.send("config", version=5, value=None)
        peer.store()

    with ScriptedServer(change, again) as server:
        agent = connect(agents, server, on_config=lambda *config: configs.append(config))
        assert agent.config == Config(0, None)
        held.set()
        eventually(lambda: agent.config == Config(5, None))
        eventually(lambda: len(configs) == 3)
        assert configs == [(3, {"speed": 1}), (4, {"speed": 2}), (5, None)]
