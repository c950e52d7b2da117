"""The frames of the agent socket: what the agent writes, and what it reads from the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from telltale_client.errors import FrameInvalid
from telltale_client.event import dumps

SUBPROTOCOL = "telltale.v1+json"
PING = b'{"type":"ping"}'
EVENTS_OVERHEAD = 64
"""Bytes of an events frame that are not its items, at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes: events and bytes in a frame, bytes in an event's ``data``."""

    events_per_frame: int = 1000
    frame_bytes: int = 1_048_576
    data_bytes: int = 65_536


@dataclass(frozen=True, slots=True)
class Config:
    """The agent's configuration, as the server holds it."""

    version: int
    value: Any


@dataclass(frozen=True, slots=True)
class Welcome:
    """The hello was accepted: continue from ``stored`` + 1."""

    connection: str
    stored: int
    logged: int
    ping_interval_s: float
    limits: Limits
    config: Config | None


@dataclass(frozen=True, slots=True)
class Ack:
    """Everything up to ``logged`` is in the log, everything up to ``stored`` in the database."""

    logged: int
    stored: int


@dataclass(frozen=True, slots=True)
class Reject:
    """One item was refused and is spent."""

    seq: int
    id: str | None
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Nack:
    """The server saw a hole: send again from ``expected``."""

    expected: int


@dataclass(frozen=True, slots=True)
class Slow:
    """Nothing of a frame was taken. ``seq`` is its first, where the server says so."""

    retry_after_s: float
    reason: str
    seq: int | None


@dataclass(frozen=True, slots=True)
class Command:
    """Something the agent is asked to do, by ``deadline`` (RFC 3339) if there is one."""

    id: str
    name: str
    args: Any = field(default_factory=dict)
    deadline: str | None = None


@dataclass(frozen=True, slots=True)
class Bye:
    """The server is about to close."""

    code: int
    reason: str
    reconnect: bool
    retry_after_s: float


ServerFrame = Welcome | Ack | Reject | Nack | Slow | Command | Config | Bye


def hello(
    agent_id: str,
    role: str,
    incarnation: int,
    name: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> bytes:
    """The first frame of a connection."""
    frame: dict[str, Any] = {
        "type": "hello",
        "agent_id": agent_id,
        "role": role,
        "incarnation": incarnation,
    }
    if name is not None:
        frame["name"] = name
    if meta is not None:
        frame["meta"] = meta
    return dumps(frame).encode()


def events(seq: int, items: Iterable[bytes]) -> bytes:
    """Encoded events as one frame; ``seq`` numbers the first."""
    return b'{"type":"events","seq":%d,"items":[%b]}' % (seq, b",".join(items))


def command_ack(command_id: str, status: str, detail: str | None = None) -> bytes:
    """The word that a command was ``received``, is ``done`` or has ``failed``."""
    frame = {"type": "command_ack", "id": command_id, "status": status}
    if detail is not None:
        frame["detail"] = detail
    return dumps(frame).encode("utf-8", "replace")


def decode(message: str | bytes) -> ServerFrame | None:
    """A frame of the server; None for a pong, and for a type that a later version may bring.

    Raises:
        FrameInvalid: if it is no JSON object, or if a field has the wrong type.
    """
    try:
        frame = json.loads(message)
    except (ValueError, RecursionError):
        raise FrameInvalid("The server sent something that is not JSON.") from None
    if not isinstance(frame, dict):
        raise FrameInvalid("The server sent a frame that is no object.")
    kind = frame.get("type")
    if not isinstance(kind, str):
        raise FrameInvalid("The server sent a frame without a type.")
    read = _READERS.get(kind)
    if read is None:
        return None
    try:
        return read(frame)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FrameInvalid(
            f"The server sent a frame of type {kind} that cannot be read: {error!r}."
        ) from None


def _welcome(frame: dict[str, Any]) -> Welcome:
    given = frame.get("limits") or {}
    usual = Limits()
    limits = Limits(
        max(1, int(given.get("events_per_frame", usual.events_per_frame))),
        max(1024, int(given.get("frame_bytes", usual.frame_bytes))),
        max(1, int(given.get("data_bytes", usual.data_bytes))),
    )
    stored = _count(frame.get("stored", 0))
    config = frame.get("config")
    return Welcome(
        connection=str(frame.get("connection", "")),
        stored=stored,
        logged=max(stored, _count(frame.get("logged", stored))),
        ping_interval_s=min(3600.0, max(0.05, float(frame.get("ping_interval_s", 20.0)))),
        limits=limits,
        config=None if config is None else _config(config),
    )


def _ack(frame: dict[str, Any]) -> Ack:
    stored = _count(frame.get("stored", 0))
    return Ack(max(stored, _count(frame.get("logged", 0))), stored)


def _reject(frame: dict[str, Any]) -> Reject:
    return Reject(
        _count(frame["seq"]),
        frame.get("id"),
        str(frame.get("code", "")),
        str(frame.get("detail", "")),
    )


def _slow(frame: dict[str, Any]) -> Slow:
    seq = frame.get("seq")
    return Slow(
        max(0.0, float(frame.get("retry_after_ms", 1000)) / 1000),
        str(frame.get("reason", "")),
        None if seq is None else _count(seq),
    )


def _command(frame: dict[str, Any]) -> Command:
    return Command(
        str(frame["id"]), str(frame["name"]), frame.get("args") or {}, frame.get("deadline")
    )


def _config(frame: dict[str, Any]) -> Config:
    return Config(int(frame.get("version") or 0), frame.get("value"))


def _bye(frame: dict[str, Any]) -> Bye:
    return Bye(
        int(frame.get("code", 1000)),
        str(frame.get("reason", "")),
        bool(frame.get("reconnect", True)),
        max(0.0, float(frame.get("retry_after_ms") or 0) / 1000),
    )


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no sequence number")
    return value


_READERS: dict[str, Callable[[dict[str, Any]], ServerFrame]] = {
    "welcome": _welcome,
    "ack": _ack,
    "reject": _reject,
    "nack": lambda frame: Nack(_count(frame["expected"])),
    "slow": _slow,
    "command": _command,
    "config": _config,
    "bye": _bye,
}
