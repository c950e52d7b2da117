"""The agent socket: frames that are none, each answered with a bye and its code (§4)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.integration.agent_socket import PATH, AgentSocket
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant
from tests.integration.wire import TEXT, Wire

pytestmark = pytest.mark.e2e

HELLO: dict[str, Any] = {"type": "hello", "agent_id": "w", "role": "worker", "incarnation": 1}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in HELLO.items() if key != name}


BAD_HELLOS: list[object] = [
    {"type": "ping"},
    {"type": "events", "seq": 1, "items": []},
    {"type": "events", "seq": 1, "items": [{"type": "a"}]},
    {"type": "subscribe", "id": "live"},
    {"type": "welcome"},
    {},
    [],
    42,
    "hello",
    None,
    without("type"),
    without("agent_id"),
    without("role"),
    without("incarnation"),
    {**HELLO, "agent_id": ""},
    {**HELLO, "agent_id": "two words"},
    {**HELLO, "agent_id": "a" * 129},
    {**HELLO, "agent_id": "new\nline"},
    {**HELLO, "agent_id": 7},
    {**HELLO, "role": "viewer"},
    {**HELLO, "incarnation": 0},
    {**HELLO, "incarnation": -1},
    {**HELLO, "incarnation": 1.5},
    {**HELLO, "incarnation": 2**53},
    {**HELLO, "incarnation": "1"},
    {**HELLO, "name": "n" * 201},
    {**HELLO, "name": "nul \x00"},
    {**HELLO, "meta": [1]},
    {**HELLO, "meta": "text"},
    {**HELLO, "meta": {"nul": "\x00"}},
    {**HELLO, "meta": {"text": "x" * 70_000}},
    {**HELLO, "surprise": 1},
]

RAW_HELLOS = [
    b"",
    b"hello",
    b"{",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    rb'{"type":"hello","agent_id":"w","role":"worker","incarnation":1,"name":"\ud800"}',
    rb'{"type":"hello","agent_id":"w","role":"worker","incarnation":1,"meta":{"a":"\ud800"}}',
    b'{"type":"hello","agent_id":"w","role":"worker","incarnation":1,"meta":{"a":'
    + b"[" * 200
    + b"]" * 200
    + b"}}",
    b'{"type":"hello","agent_id":"w","role":"worker","incarnation":1,"meta":'
    + b'{"a":' * 5000
    + b"1"
    + b"}" * 5001,
    b'{"type":"hello","agent_id":"w","role":"worker","incarnation":1}{}',
]


@pytest.mark.parametrize("hello", BAD_HELLOS, ids=lambda value: json.dumps(value)[:70])
def test_the_first_frame_must_be_a_good_hello(tenant: Tenant, hello: object) -> None:
    with Wire(tenant.url, PATH, key=tenant.agent) as wire:
        wire.send(hello)
        bye = wire.bye()
    assert (bye["code"], bye["reconnect"]) == (4501, False)
    assert bye["reason"].startswith("bad_frame")


@pytest.mark.parametrize("raw", RAW_HELLOS, ids=lambda raw: repr(raw[:40]))
def test_a_first_frame_that_no_decoder_bears(tenant: Tenant, raw: bytes) -> None:
    with Wire(tenant.url, PATH, key=tenant.agent) as wire:
        wire.send_frame(TEXT, raw)
        assert wire.bye()["code"] == 4501


@pytest.mark.parametrize(
    "frame",
    [
        {**HELLO, "agent_id": "worker-1"},
        {"type": "events"},
        {"type": "events", "seq": 0, "items": [{"type": "a"}]},
        {"type": "events", "seq": -1, "items": [{"type": "a"}]},
        {"type": "events", "seq": 2**53, "items": [{"type": "a"}]},
        {"type": "events", "seq": "1", "items": [{"type": "a"}]},
        {"type": "events", "seq": 1, "items": {"type": "a"}},
        {"type": "events", "seq": 1, "items": None},
        {"type": "events", "seq": 1, "items": [{"type": "a"}], "extra": 1},
        {"type": "command_ack", "id": "x", "status": "received"},
        {"type": "command_ack", "id": "x", "status": "lost"},
        {"type": "unheard_of"},
        {"type": "ping", "extra": 1},
        {"type": 7},
        [],
    ],
    ids=lambda value: json.dumps(value)[:70],
)
def test_frames_that_are_none_end_the_connection(tenant: Tenant, frame: object) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, event(None))
        agent.until_stored(1)
        agent.send(frame)
        bye = agent.bye()
    assert (bye["code"], bye["reconnect"]) == (4501, False)
    assert len(tenant.reader.events()) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nothing",
        b'{"type":"events","seq":1,"items":[',
        b'{"type":"events","seq":1,"items":[{"type":"a"}]} x',
        b"[" * 900_000,
        b'{"type":"events","seq":1,"items":' + b"[" * 900_000,
        rb'{"type":"ping","\ud800":1}',
        b'{"type":"events","seq":1,"items":[' + b"[]," * 300_000 + b'"\\ud800"]}',
    ],
    ids=lambda raw: repr(raw[:50]),
)
def test_text_that_is_no_frame_ends_the_connection(
    tenant: Tenant, neighbour: Tenant, raw: bytes
) -> None:
    with (
        AgentSocket(tenant.url, tenant.agent) as agent,
        AgentSocket(neighbour.url, neighbour.agent) as other,
    ):
        agent.send_frame(TEXT, raw)
        other.send({"type": "ping"})
        started = time.monotonic()
        other.expect("pong")
        assert time.monotonic() - started < 1.5
        assert agent.bye()["code"] in {4501, 4504}


def test_more_events_in_a_frame_than_allowed_is_over_the_limit(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *numbered(1001, None))
        bye = agent.bye()
    assert (bye["code"], bye["reconnect"]) == (4504, False)
    assert tenant.reader.events() == []


def test_hello_must_come_in_time(tenant: Tenant, impatient_url: str) -> None:
    with Wire(impatient_url, PATH, key=tenant.agent) as wire:
        started = time.monotonic()
        bye = wire.bye()
    assert (bye["code"], bye["reconnect"]) == (4012, True)
    assert 0.5 < time.monotonic() - started < 10


def test_a_hello_that_dribbles_is_no_hello(tenant: Tenant, impatient_url: str) -> None:
    with Wire(impatient_url, PATH, key=tenant.agent) as wire:
        wire.send_bytes(b"\x81\xfe\x10\x00\x00\x00\x00\x00")
        deadline = time.monotonic() + 10
        while wire.quiet(0.1):
            wire.send_bytes(b"x")
            assert time.monotonic() < deadline


def test_silence_ends_the_connection_and_a_ping_keeps_it(
    tenant: Tenant, impatient_url: str
) -> None:
    """The impatient process asks for a sign of life each second, and waits for two and a half."""
    with (
        AgentSocket(impatient_url, tenant.agent, "silent") as silent,
        AgentSocket(impatient_url, tenant.agent, "alive") as alive,
    ):
        assert silent.welcome["ping_interval_s"] == 1
        deadline = time.monotonic() + 4.5
        while time.monotonic() < deadline:
            alive.send({"type": "ping"})
            alive.expect("pong")
            time.sleep(0.3)
        bye = silent.bye()
        assert (bye["code"], bye["reconnect"]) == (4012, True)
        alive.events(1, event(None))
        alive.until_stored(1)
