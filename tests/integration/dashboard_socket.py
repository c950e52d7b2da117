"""A dashboard's socket (protocol §5): it keeps what it was shown, as a page would."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Self

from tests.integration.wire import PATIENCE_S, Message, Wire

PATH = "/ws/dashboard"


class DashboardSocket(Wire):
    """A viewer that was welcomed.

    ``items`` and ``cursors`` hold for each subscription what it has shown and how far it is;
    ``seen`` holds all messages.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        path: str = PATH,
        headers: Mapping[str, str] | None = None,
        buffer: int | None = None,
    ) -> None:
        super().__init__(url, path, key=key, headers=headers, buffer=buffer)
        self.items: dict[str, list[Message]] = defaultdict(list)
        self.cursors: dict[str, str] = {}
        self.seen: list[Message] = []
        self.welcome = self.next()
        assert self.welcome["type"] == "welcome", self.welcome

    def __enter__(self) -> Self:
        return self

    def subscribe(self, name: str = "live", **fields: Any) -> None:
        self.send({"type": "subscribe", "id": name, **fields})

    def live(self, name: str = "live", **fields: Any) -> Message:
        """Subscribe and read until the subscription is live; returns its caught_up."""
        self.subscribe(name, **fields)
        return self.until(lambda m: m["type"] == "caught_up" and m["id"] == name)

    def next(self, timeout_s: float = PATIENCE_S) -> Message:
        """The next message, taken note of."""
        message = self.message(timeout_s)
        self.seen.append(message)
        name = message.get("id", "")
        if message["type"] == "snapshot":
            self.items[name] += message["events"]
        elif message["type"] == "events":
            self.items[name] += message["items"]
        if message["type"] in {"snapshot", "events", "caught_up"}:
            self.cursors[name] = message["cursor"]
        return message

    def until(self, condition: Callable[[Message], bool], timeout_s: float = PATIENCE_S) -> Message:
        """The first message from now on for which the condition holds."""
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.next(max(0.001, deadline - time.monotonic()))
            if condition(message):
                return message

    def expect(self, kind: str, timeout_s: float = PATIENCE_S) -> Message:
        """The next message of this kind."""
        return self.until(lambda message: message["type"] == kind, timeout_s)

    def until_shown(
        self, amount: int, name: str = "live", timeout_s: float = 30.0
    ) -> list[Message]:
        """Read until so many events were shown, at least; returns them."""
        deadline = time.monotonic() + timeout_s
        while len(self.items[name]) < amount:
            self.next(max(0.001, deadline - time.monotonic()))
        return self.items[name]

    def linger(self, seconds: float) -> None:
        """Take note of whatever comes within this time."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while (left := deadline - time.monotonic()) > 0:
                self.next(left)

    def of_kind(self, kind: str) -> list[Message]:
        """The messages of this kind so far."""
        return [message for message in self.seen if message["type"] == kind]
