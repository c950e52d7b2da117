"""Events as agents send them, with ids and times of their own."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import uuid4

from app.core import clock

_names = count(1)


def event(agent_id: str | None = "worker-1", **fields: Any) -> dict[str, Any]:
    """An event with a fresh id and the present time; ``None`` leaves the agent out."""
    made = {
        "id": uuid4().hex,
        "type": "test.happened",
        "time": clock.rfc3339(clock.now()),
        **({} if agent_id is None else {"agent_id": agent_id}),
    }
    return {**made, **fields}


def numbered(
    amount: int,
    agent_id: str | None = "worker-1",
    *,
    first: int = 1,
    padding: int = 0,
    **fields: Any,
) -> list[dict[str, Any]]:
    """Events whose data says their number, from ``first``, with so many letters of padding."""
    filled = {"padding": "x" * padding} if padding else {}
    return [
        event(agent_id, data={"n": n, **filled}, **fields) for n in range(first, first + amount)
    ]


def numbers(items: list[dict[str, Any]]) -> list[int]:
    """The numbers of ``numbered`` events."""
    return [item["data"]["n"] for item in items]


def agent_name(word: str = "agent") -> str:
    """A name that no other test uses."""
    return f"{word}-{next(_names)}-{uuid4().hex[:6]}"
