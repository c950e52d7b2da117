"""Frames below the messages (RFC 6455): whole, in fragments, too large, and broken."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Closed,
    Wire,
    frame_bytes,
)

pytestmark = pytest.mark.e2e


@pytest.fixture(params=["agent", "dashboard"])
def opened(request: pytest.FixtureRequest, tenant: Tenant) -> Iterator[Wire]:
    """A socket of either kind, welcomed."""
    if request.param == "agent":
        with AgentSocket(tenant.url, tenant.agent) as agent:
            yield agent
    else:
        with DashboardSocket(tenant.url, tenant.viewer) as viewer:
            yield viewer


@pytest.fixture
def agent(tenant: Tenant) -> Iterator[AgentSocket]:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        yield agent


PING_MESSAGE = b'{"type":"ping"}'


def pong_comes(wire: Wire) -> bool:
    wire.send_frame(TEXT, PING_MESSAGE)
    while (message := wire.message())["type"] in {"heads", "ack"}:
        pass
    return message == {"type": "pong"}


def test_a_binary_frame_ends_the_connection(opened: Wire) -> None:
    opened.send_frame(BINARY, PING_MESSAGE)
    bye = opened.bye()
    assert (bye["code"], bye["reconnect"]) == (4501, False)


@pytest.mark.parametrize(
    "raw",
    [
        frame_bytes(TEXT, PING_MESSAGE, masked=False),
        frame_bytes(TEXT, PING_MESSAGE, reserved=0x40),
        frame_bytes(TEXT, PING_MESSAGE, reserved=0x10),
        frame_bytes(0x3, b""),
        frame_bytes(0xB, b""),
        frame_bytes(CONTINUATION, b"stray"),
        frame_bytes(TEXT, b"a", final=False) + frame_bytes(TEXT, b"b"),
        frame_bytes(PING, b"x" * 126),
        frame_bytes(PING, b"", final=False),
        frame_bytes(CLOSE, b"x" * 126),
    ],
    ids=[
        "unmasked",
        "compressed",
        "reserved bit",
        "unknown opcode",
        "unknown control",
        "stray continuation",
        "text inside of text",
        "long ping",
        "ping in fragments",
        "long close",
    ],
)
def test_broken_framing_ends_the_connection_as_the_rfc_says(opened: Wire, raw: bytes) -> None:
    opened.send_bytes(raw)
    bye = opened.bye()
    assert (bye["code"], bye["reconnect"]) == (1002, False)


@pytest.mark.parametrize("text", [b"\xff", b"\xc3(", b'{"type":"\xed\xa0\x80"}', b"\xf8\x88"])
def test_text_that_is_not_utf8_ends_the_connection_as_the_rfc_says(
    opened: Wire, text: bytes
) -> None:
    opened.send_frame(TEXT, text)
    assert opened.bye()["code"] == 1007


def test_a_frame_over_the_limit_is_refused_before_it_comes(opened: Wire) -> None:
    head = frame_bytes(TEXT, b"x" * (1024 * 1024 + 1))[:14]
    opened.send_bytes(head)
    bye = opened.bye()
    assert (bye["code"], bye["reconnect"]) == (4504, False)


@pytest.mark.parametrize("length", [2**31, 2**63 - 1, 2**64 - 1])
def test_a_frame_that_claims_the_world(opened: Wire, length: int) -> None:
    opened.send_bytes(b"\x81\xff" + length.to_bytes(8, "big") + b"mask")
    assert opened.bye()["code"] == 4504


def test_fragments_together_may_not_be_over_the_limit(opened: Wire) -> None:
    part = b" " * 100_000
    opened.send_frame(TEXT, part, final=False)
    for _ in range(10):
        opened.send_frame(CONTINUATION, part, final=False)
    assert opened.bye()["code"] == 4504


def test_endless_empty_fragments_are_over_the_limit_too(opened: Wire) -> None:
    opened.send_frame(TEXT, b"", final=False)
    opened.send_bytes(frame_bytes(CONTINUATION, b"", final=False) * 17_000)
    assert opened.bye()["code"] == 4504


def test_the_largest_frame_is_taken(tenant: Tenant, agent: AgentSocket) -> None:
    batch = numbered(16, None, padding=60_000)
    text = json.dumps({"type": "events", "seq": 1, "items": batch}).encode()
    agent.send_frame(TEXT, text.ljust(1024 * 1024))
    agent.until_stored(16)
    assert numbers(tenant.reader.events(order="asc")) == list(range(1, 17))


def test_a_message_in_fragments_with_pings_between(tenant: Tenant, agent: AgentSocket) -> None:
    items = [event(None, data={"text": "é😀"})]
    frame = {"type": "events", "seq": 1, "items": items}
    raw = json.dumps(frame, ensure_ascii=False).encode()
    for at in range(len(raw)):
        final = at == len(raw) - 1
        agent.send_frame(TEXT if at == 0 else CONTINUATION, raw[at : at + 1], final=final)
        if at % 50 == 0:
            agent.send_frame(PING, b"still here")
            answer = agent.receive()
            assert (answer.opcode, answer.payload) == (PONG, b"still here")
    agent.until_stored(1)
    assert tenant.reader.events()[0]["data"] == {"text": "é😀"}


def test_bytes_may_come_one_by_one_and_many_frames_at_once(
    tenant: Tenant, agent: AgentSocket
) -> None:
    for byte in frame_bytes(TEXT, PING_MESSAGE):
        agent.send_bytes(bytes([byte]))
    assert agent.expect("pong")
    frames = [
        frame_bytes(TEXT, json.dumps({"type": "events", "seq": n, "items": [item]}).encode())
        for n, item in enumerate(numbered(300, None), start=1)
    ]
    joined = b"".join(frames)
    for at in range(0, len(joined), 777):
        agent.send_bytes(joined[at : at + 777])
    agent.until_stored(300)
    assert numbers(tenant.reader.events(order="asc", limit=1000)) == list(range(1, 301))


@pytest.mark.parametrize("payload", [b"", b"hello", b"\x00\xff" * 62])
def test_pings_are_answered_with_what_they_carry(opened: Wire, payload: bytes) -> None:
    opened.send_frame(PING, payload)
    frame = opened.receive()
    assert (frame.opcode, frame.payload) == (PONG, payload)


def test_pongs_nobody_asked_for_are_nothing(opened: Wire) -> None:
    opened.send_frame(PONG, b"unasked")
    assert pong_comes(opened)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", 1000),
        ((1000).to_bytes(2, "big"), 1000),
        ((1001).to_bytes(2, "big") + b"going away", 1001),
        ((4000).to_bytes(2, "big"), 4000),
        ((1005).to_bytes(2, "big"), 1002),
        ((999).to_bytes(2, "big"), 1002),
        (b"x", 1000),
    ],
)
def test_a_close_is_answered(opened: Wire, payload: bytes, code: int) -> None:
    opened.send_frame(CLOSE, payload)
    with pytest.raises(Closed) as closed:
        opened.receive()
    assert closed.value.code == code


def test_a_flood_of_pings_is_answered_or_ended_and_bounded(opened: Wire, neighbour: Tenant) -> None:
    flood = frame_bytes(PING, b"x" * 125) * 500
    opened.sock.settimeout(2)
    try:
        for _ in range(100):
            opened.send_bytes(flood)
    except (TimeoutError, ConnectionError):
        pass
    assert neighbour.sender.post("/v1/events", event()).ok(202)["accepted"] == 1
