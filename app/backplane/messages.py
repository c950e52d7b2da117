"""What processes tell each other over Redis pub/sub. Any of it may be lost."""

from __future__ import annotations

import msgspec

CHANNEL = "telltale:live"


class Batch(msgspec.Struct, kw_only=True):
    """Events ``first..last`` of one partition, as a drain committed them.

    ``items`` holds for each project the stored events in order, encoded. ``cursors`` says how far
    the sequences of these agents are stored: ``{agent key: (incarnation, seq)}``. ``drained`` is
    the log's counter up to which everything is stored, in its life ``generation``. ``agents`` names
    for each project the agents whose rows the transaction changed. ``called`` holds
    the keys of agents that are to be told something at once: a command, a configuration.
    """

    epoch: str
    partition: int
    first: int
    last: int
    generation: str
    drained: int
    cursors: dict[str, tuple[int, int]]
    items: dict[str, list[msgspec.Raw]]
    agents: dict[str, list[str]]
    called: list[str] = []


class Batches(msgspec.Struct, tag="batches"):
    """What one drain committed, a batch for each of its partitions."""

    batches: list[Batch]


class AgentsTouched(msgspec.Struct, tag="agents"):
    """These agents' rows changed by something else than an event."""

    project: str
    agent_ids: list[str]


class Superseded(msgspec.Struct, tag="superseded"):
    """An agent said hello on ``connection``: older sockets of it are closed."""

    key: str
    incarnation: int
    connection: str


class Forgotten(msgspec.Struct, tag="forgotten"):
    """These have changed in PostgreSQL: what a process keeps of them in this cache is old."""

    cache: str
    names: list[str]


class Beat(msgspec.Struct, tag="beat"):
    """A sign of life of the channel itself: a half-open connection stays silent otherwise."""

    sender: str


Message = Batches | AgentsTouched | Superseded | Forgotten | Beat

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Message).decode
