"""An agent's socket, frame by frame (protocol §4)."""

from __future__ import annotations

import time
from typing import Any, Self

from tests.integration.wire import PATIENCE_S, Message, Wire

PATH = "/ws/agent"


class AgentSocket(Wire):
    """An agent that has said hello. ``welcome`` is what it was answered."""

    def __init__(
        self,
        url: str,
        key: str,
        agent_id: str = "worker-1",
        *,
        incarnation: int = 1,
        role: str = "worker",
        **hello: Any,
    ) -> None:
        super().__init__(url, PATH, key=key)
        self.agent_id = agent_id
        try:
            self.say_hello(incarnation=incarnation, role=role, **hello)
            self.welcome = self.expect("welcome")
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> Self:
        return self

    def say_hello(self, **fields: Any) -> None:
        self.send({"type": "hello", "agent_id": self.agent_id, **fields})

    def events(self, seq: int, *items: Any) -> None:
        """Send events, the first of which has the number ``seq``."""
        self.send({"type": "events", "seq": seq, "items": list(items)})

    def expect(self, kind: str, timeout_s: float = PATIENCE_S) -> Message:
        """The next message, which must be of this kind; acks may come before it."""
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.message(deadline - time.monotonic())
            if message["type"] == kind:
                return message
            assert message["type"] == "ack", message

    def until_stored(self, seq: int, timeout_s: float = PATIENCE_S) -> list[Message]:
        """The messages up to and with the ack that says that all up to ``seq`` is stored."""
        deadline = time.monotonic() + timeout_s
        seen: list[Message] = []
        while True:
            message = self.message(deadline - time.monotonic())
            seen.append(message)
            if message["type"] == "ack" and message["stored"] >= seq:
                return seen
