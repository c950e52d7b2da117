"""The frames of protocol §4 and §5, as types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from app.domain.cursor import MAX_TEXT as MAX_CURSOR
from app.domain.event import MAX_BATCH, IncomingEvent

MAX_INCARNATION = 2**53 - 1


class Hello(msgspec.Struct, tag="hello", forbid_unknown_fields=True, kw_only=True):
    """The first frame of an agent."""

    agent_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    role: Literal["worker", "manager"]
    incarnation: Annotated[int, msgspec.Meta(ge=1, le=MAX_INCARNATION)]
    name: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    meta: msgspec.Raw = msgspec.Raw(b"null")


class Events(msgspec.Struct, tag="events", forbid_unknown_fields=True):
    """Events whose items are all of the right shape: the usual case, decoded in one pass."""

    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_INCARNATION)]
    items: Annotated[list[IncomingEvent], msgspec.Meta(max_length=MAX_BATCH)]


class RawEvents(msgspec.Struct, tag="events", forbid_unknown_fields=True):
    """The same with items that are looked at one by one, to name those that are refused."""

    seq: Annotated[int, msgspec.Meta(ge=1, le=MAX_INCARNATION)]
    items: list[msgspec.Raw]


class CommandAck(msgspec.Struct, tag="command_ack", forbid_unknown_fields=True):
    """An agent says what became of a command."""

    id: str
    status: Literal["received", "done", "failed"]
    detail: str | None = None


class Ping(msgspec.Struct, tag="ping", forbid_unknown_fields=True):
    """A sign of life; answered with pong."""


class Pong(msgspec.Struct, tag="pong"):
    """The answer to ping."""


class Limits(msgspec.Struct):
    """What one frame may hold, and how fast an agent may send."""

    events_per_frame: int
    frame_bytes: int
    data_bytes: int
    events_per_s: float
    burst: int


class Config(msgspec.Struct):
    """An agent's configuration; version 0 is none."""

    version: int
    value: msgspec.Raw


class ConfigChanged(msgspec.Struct, tag="config"):
    """The agent's configuration is another one now."""

    version: int
    value: msgspec.Raw


class CommandOrder(msgspec.Struct, tag="command"):
    """Something that the agent shall do."""

    id: str
    name: str
    args: msgspec.Raw
    deadline: datetime


class AgentWelcome(msgspec.Struct, tag="welcome"):
    """Continue from ``stored`` + 1."""

    connection: str
    stored: int
    logged: int
    ping_interval_s: float
    limits: Limits
    config: Config


class Ack(msgspec.Struct, tag="ack"):
    """Both cumulative. Forget an event only when it is stored."""

    logged: int
    stored: int


class Reject(msgspec.Struct, tag="reject"):
    """This one item was refused and is spent."""

    seq: int
    id: str | None
    code: str
    detail: str


class Nack(msgspec.Struct, tag="nack"):
    """A hole in seq: send again from ``expected``."""

    expected: int


class Slow(msgspec.Struct, tag="slow"):
    """Nothing of the refused frame was taken: send it again after the wait."""

    retry_after_ms: int
    reason: Literal["rate", "backlog"]


Strings = list[Annotated[str, msgspec.Meta(max_length=128)]]


class FilterSpec(msgspec.Struct, forbid_unknown_fields=True):
    """The filter of a subscription; ``severity`` is one word or a list."""

    agent_ids: Strings | None = None
    types: Strings | None = None
    task_ids: Strings | None = None
    severity: str | Strings | None = None
    text: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class Subscribe(msgspec.Struct, tag="subscribe", forbid_unknown_fields=True, kw_only=True):
    """Begin or replace a subscription."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    cursor: Annotated[str, msgspec.Meta(max_length=MAX_CURSOR)] | None = None
    filter: FilterSpec | None = None
    mode: Literal["all", "latest"] = "all"


class Unsubscribe(msgspec.Struct, tag="unsubscribe", forbid_unknown_fields=True):
    """End a subscription."""

    id: str


class ViewerWelcome(msgspec.Struct, tag="welcome"):
    """The socket is open."""

    connection: str
    epoch: str
    ping_interval_s: float


class Resumed(msgspec.Struct, tag="resumed", omit_defaults=True, kw_only=True):
    """What a cursor was worth."""

    id: str
    recovered: bool
    missed: int
    reason: str | None = None


class CaughtUp(msgspec.Struct, tag="caught_up"):
    """Live from here."""

    id: str
    cursor: str


class Dropped(msgspec.Struct, tag="dropped"):
    """The viewer was too slow; refill from ``cursor``."""

    id: str
    count: int
    policy: str
    cursor: str


class Heads(msgspec.Struct, tag="heads"):
    """Where the stream is, also when nothing matched."""

    cursor: str


AgentFrame = Hello | Events | CommandAck | Ping
CarefulAgentFrame = Hello | RawEvents | CommandAck | Ping
ViewerFrame = Subscribe | Unsubscribe | Ping

decode_agent = msgspec.json.Decoder(AgentFrame).decode
decode_agent_carefully = msgspec.json.Decoder(CarefulAgentFrame).decode
decode_viewer = msgspec.json.Decoder(ViewerFrame).decode
