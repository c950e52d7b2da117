"""A server that misbehaves at random over real sockets: every event is stored once, in order."""

from __future__ import annotations

import json
import random
import ssl
import subprocess
import threading
import time
from functools import partial
from pathlib import Path
from shutil import which

import pytest
from telltale_client import Agent, Connection
from telltale_client.backoff import Backoff

from clients.python.tests.scripted_server import (
    KEY,
    Frame,
    Peer,
    Script,
    ScriptedServer,
    eventually,
)


def answer(peer: Peer, frame: Frame) -> None:
    taken, last = peer.take(frame)
    if taken:
        peer.send("ack", logged=last, stored=last)
    else:
        peer.send("nack", expected=last + 1)


def refuse(peer: Peer, _: Frame) -> None:
    peer.send("slow", retry_after_ms=20, reason="backlog")


def mute(peer: Peer, frame: Frame) -> None:
    peer.take(frame)


def lose(_: Peer, __: Frame) -> None:
    pass


def double(peer: Peer, frame: Frame) -> None:
    answer(peer, frame)
    answer(peer, frame)


def misbehave(dice: random.Random) -> Script:
    """A script that answers frames well or badly, and soon breaks off or closes."""

    def play(peer: Peer) -> None:
        if dice.random() < 0.1:
            peer.vanish(b"\x81")
        peer.welcome()
        for _ in range(dice.randrange(1, 12)):
            frame = peer.receive("events", 60)
            dice.choice([answer] * 6 + [refuse, mute, lose, double])(peer, frame)
        if dice.random() < 0.5:
            peer.close(dice.choice([4001, 4008, 4010, 4012]), retry_after_ms=dice.randrange(50))
        else:
            peer.vanish(dice.choice([b"", b"\x81\x10"]))

    return play


def test_every_event_is_stored_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201  shown when the test fails
    monkeypatch.setattr("telltale_client.sender.Backoff", partial(Backoff, first_s=0.05))
    monkeypatch.setattr("telltale_client.window.STALL_S", 0.3)
    dice = random.Random(seed)
    scripts = [misbehave(random.Random(dice.randrange(2**32))) for _ in range(30)]
    with ScriptedServer(*scripts) as server, Agent(server.url, KEY, "a", buffer_size=500) as agent:
        ids: list[str] = []
        while server.scripts or len(ids) < 3000:
            ids.append(agent.log(str(len(ids))))
            if dice.random() < 0.05:
                time.sleep(dice.random() / 50)
        assert agent.flush(30)
        assert [item["id"] for item in server.history("a").items] == ids


@pytest.mark.skipif(which("openssl") is None, reason="openssl makes the certificate")
def test_tls_carries_many_events_and_strangers_are_not_trusted(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=certificate)
    with ScriptedServer(tls=context) as server:
        url = server.url.replace("http://", "https://")
        with Agent(url, KEY, "a", ssl_context=trusting) as agent:
            for number in range(300):
                agent.emit("big.one", {"n": number, "pad": "x" * 20_000})
            assert agent.flush(20)
            assert [item["data"]["n"] for item in server.history("a").items] == list(range(300))
        wary = Agent(url, KEY, "a")
        eventually(lambda: wary.connection is Connection.OFFLINE)
        wary.log("x")
        assert not wary.close(0)


def test_a_slow_reader_does_not_keep_acks_from_coming_in() -> None:
    """The socket is full in one direction while the other still works."""
    reading = threading.Event()

    def dawdle(peer: Peer) -> None:
        peer.welcome()
        for _ in range(3):
            frame = peer.receive("events")
            peer.take(frame)
        for _ in range(50):
            peer.send("pong")
        reading.wait(10)
        for message in peer.socket:
            frame = json.loads(message)
            _, last = peer.take(frame)
            peer.send("ack", logged=last, stored=last)

    with ScriptedServer(dawdle) as server, Agent(server.url, KEY, "a") as agent:
        for number in range(400):
            agent.emit("big.one", {"n": number, "pad": "x" * 30_000})
        reading.set()
        assert agent.flush(20)
        assert [item["data"]["n"] for item in server.history("a").items] == list(range(400))
