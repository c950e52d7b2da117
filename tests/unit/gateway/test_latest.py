"""A slow viewer in ``latest`` mode: what waits for it is bounded in bytes, and it hears of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec

from app.domain.subscription import EVERYTHING
from app.gateway.viewer import Subscription, Viewer

MAX_BYTES = 65_536
ITEM = msgspec.Raw(b'{"data":"%s"}' % (b"x" * 10_000))


class Peer:
    """A connection to somebody who reads only when told to."""

    def __init__(self) -> None:
        self.busy = True
        self.closed = False
        self.queued_bytes = 0
        self.on_writable: Any = None
        self.told: list[dict[str, Any]] = []
        self.frames: list[bytes] = []

    def send(self, message: object) -> None:
        self.told.append(msgspec.to_builtins(message))

    def send_frame(self, frame: bytes) -> None:
        self.frames.append(frame)


def test_no_more_bytes_wait_than_the_bound() -> None:
    peer = Peer()
    viewer = Viewer(peer, uuid4(), max_events=10, max_bytes=MAX_BYTES, policy="head")  # type: ignore[arg-type]
    subscriptions = [Subscription(name, viewer, EVERYTHING, "latest") for name in ("one", "two")]
    viewer.subscriptions = {each.id: each for each in subscriptions}
    for number in range(100):
        for subscription in subscriptions:
            subscription.cursor = "before"
            viewer.offer_latest(subscription, [(f"agent-{number}", ITEM)], f"cursor-{number}")
            assert sum(each.newest.bytes for each in subscriptions) <= MAX_BYTES
    peer.busy = False
    peer.on_writable()
    kept = [frame.count(b'"data"') for frame in peer.frames]
    assert sum(kept) == MAX_BYTES // len(bytes(ITEM))
    dropped = {told["id"]: told["count"] for told in peer.told}
    assert dropped == {"one": 100 - kept[0], "two": 100 - kept[1]}
    assert {told["cursor"] for told in peer.told} == {"before"}
    assert {each.cursor for each in subscriptions} == {"cursor-99"}
