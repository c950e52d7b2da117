"""The frames of the protocol's tables, as they are decoded and written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from app.domain.event import MAX_BATCH
from app.gateway import messages
from app.gateway.closing import Bye
from app.gateway.messages import (
    Ack,
    CommandAck,
    Dropped,
    Events,
    Heads,
    Hello,
    Nack,
    Ping,
    Reject,
    Resumed,
    Slow,
    Subscribe,
    Unsubscribe,
    decode_agent,
    decode_agent_carefully,
    decode_viewer,
)

HELLO: dict[str, Any] = {"type": "hello", "agent_id": "w-1", "role": "worker", "incarnation": 1}
EVENTS: dict[str, Any] = {"type": "events", "seq": 1, "items": [{"type": "x"}]}
SUBSCRIBE: dict[str, Any] = {"type": "subscribe", "id": "live"}


def raw(frame: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(frame | changes).encode()


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (HELLO, Hello),
        ({**HELLO, "role": "manager", "name": "Ada", "meta": {"v": 1}}, Hello),
        ({**HELLO, "name": None, "meta": None}, Hello),
        (EVENTS, Events),
        ({"type": "command_ack", "id": "c", "status": "done"}, CommandAck),
        ({"type": "command_ack", "id": "c", "status": "failed", "detail": "why"}, CommandAck),
        ({"type": "ping"}, Ping),
    ],
)
def test_what_an_agent_says(frame: dict[str, Any], kind: type) -> None:
    assert isinstance(decode_agent(raw(frame)), kind)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (SUBSCRIBE, Subscribe),
        (
            {
                **SUBSCRIBE,
                "cursor": "abc",
                "mode": "latest",
                "filter": {
                    "agent_ids": ["a"],
                    "types": ["task.*"],
                    "task_ids": ["t"],
                    "severity": ["error"],
                    "text": "x",
                },
            },
            Subscribe,
        ),
        ({**SUBSCRIBE, "filter": {"severity": "error"}}, Subscribe),
        ({"type": "unsubscribe", "id": "live"}, Unsubscribe),
        ({"type": "ping"}, Ping),
    ],
)
def test_what_a_viewer_says(frame: dict[str, Any], kind: type) -> None:
    assert isinstance(decode_viewer(raw(frame)), kind)


@pytest.mark.parametrize(
    "changes",
    [
        {"agent_id": ""},
        {"agent_id": "a" * 129},
        {"role": "boss"},
        {"incarnation": 0},
        {"incarnation": 2**53},
        {"incarnation": 1.5},
        {"incarnation": "1"},
        {"name": "n" * 201},
        {"type": "hallo"},
        {"extra": 1},
    ],
)
def test_a_hello_that_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_agent(raw(HELLO, **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": 0},
        {"seq": 2**53},
        {"seq": None},
        {"items": {}},
        {"extra": 1},
    ],
)
def test_events_that_are_wrong_as_a_frame_are_refused_either_way(changes: dict[str, Any]) -> None:
    for decode in (decode_agent, decode_agent_carefully):
        with pytest.raises(msgspec.ValidationError):
            decode(raw(EVENTS, **changes))


def test_a_frame_has_a_bound() -> None:
    decode_agent(raw(EVENTS, items=EVENTS["items"] * MAX_BATCH))
    with pytest.raises(msgspec.ValidationError):
        decode_agent(raw(EVENTS, items=EVENTS["items"] * (MAX_BATCH + 1)))


def test_a_wrong_item_is_kept_as_it_is_for_the_careful_look() -> None:
    frame = raw(EVENTS, items=[{"type": "x"}, {"type": "BAD"}, 7])
    with pytest.raises(msgspec.ValidationError):
        decode_agent(frame)
    careful = decode_agent_carefully(frame)
    assert isinstance(careful, messages.RawEvents)
    assert [bytes(each) for each in careful.items] == [b'{"type": "x"}', b'{"type": "BAD"}', b"7"]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": "i" * 65},
        {"cursor": "c" * 8193},
        {"mode": "newest"},
        {"filter": {"agents": ["a"]}},
        {"filter": {"agent_ids": "a"}},
        {"filter": {"types": ["t" * 129]}},
        {"filter": {"text": "t" * 201}},
        {"extra": 1},
    ],
)
def test_a_subscribe_that_is_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_viewer(raw(SUBSCRIBE, **changes))


@pytest.mark.parametrize("frame", [b"", b"[]", b"null", b"{}", b'{"type":7}', b'{"type":"pong"}'])
def test_what_is_no_frame_is_refused(frame: bytes) -> None:
    for decode in (decode_agent, decode_agent_carefully, decode_viewer):
        with pytest.raises(msgspec.DecodeError):
            decode(frame)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Ack(5, 3), {"type": "ack", "logged": 5, "stored": 3}),
        (Nack(4), {"type": "nack", "expected": 4}),
        (Slow(250, "rate"), {"type": "slow", "retry_after_ms": 250, "reason": "rate"}),
        (
            Reject(7, None, "too_deep", "Why."),
            {"type": "reject", "seq": 7, "id": None, "code": "too_deep", "detail": "Why."},
        ),
        (
            Resumed(id="live", recovered=True, missed=0),
            {"type": "resumed", "id": "live", "recovered": True, "missed": 0},
        ),
        (
            Resumed(id="live", recovered=False, missed=0, reason="epoch"),
            {
                "type": "resumed",
                "id": "live",
                "recovered": False,
                "missed": 0,
                "reason": "epoch",
            },
        ),
        (Heads("abc"), {"type": "heads", "cursor": "abc"}),
        (
            Dropped("live", 3, "head", "abc"),
            {"type": "dropped", "id": "live", "count": 3, "policy": "head", "cursor": "abc"},
        ),
        (
            Bye(4001, "draining", True, 500),
            {
                "type": "bye",
                "code": 4001,
                "reason": "draining",
                "reconnect": True,
                "retry_after_ms": 500,
            },
        ),
        (
            Bye(4503, "superseded", False),
            {"type": "bye", "code": 4503, "reason": "superseded", "reconnect": False},
        ),
    ],
)
def test_what_the_server_says(message: object, expected: dict[str, Any]) -> None:
    assert json.loads(msgspec.json.encode(message)) == expected
