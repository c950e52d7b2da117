"""A command to an agent: its states, and which step leads to which. ``docs/commands.md`` draws it.

Steps come from several processes, late, twice, or in another order than they happened. A command
only ever goes forward, so whoever repeats a step or comes too late changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec


class CommandState(StrEnum):
    """Where a command stands (protocol §6), in the order in which it goes forward."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    RECEIVED = "received"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


FINAL: Final = frozenset({CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED})
PENDING: Final = frozenset({CommandState.QUEUED, CommandState.DELIVERED})
"""In these the agent has not said that it has the command: it is sent again."""

_RANK: Final = {
    CommandState.QUEUED: 0,
    CommandState.DELIVERED: 1,
    CommandState.RECEIVED: 2,
    **dict.fromkeys(FINAL, 3),
}


class Command(msgspec.Struct, kw_only=True):
    """A command as it is now. ``deliveries`` counts how often it was sent."""

    command_id: UUID
    agent_id: str
    name: str
    args: msgspec.Raw
    state: CommandState = CommandState.QUEUED
    created_by: str
    created_at: datetime
    deadline_at: datetime
    delivered_at: datetime | None = None
    deliveries: int = 0
    received_at: datetime | None = None
    finished_at: datetime | None = None
    detail: str | None = None


class _Told(msgspec.Struct, omit_defaults=True, kw_only=True):
    command_id: UUID
    name: str
    created_by: str | None = None
    deadline_at: datetime | None = None
    args: msgspec.Raw | None = None
    detail: str | None = None


def allows(state: CommandState, step: CommandState) -> bool:
    """Whether a step leads forward from a state."""
    return _RANK[step] > _RANK[state]


def advance(
    command: Command, step: CommandState, at: datetime, detail: str | None = None
) -> Command | None:
    """The command after this step, which is the state that it leads to; None if nothing changes.

    A delivery that was not the first is counted and changes nothing else, so it returns the command
    in the state that it had.
    """
    delivery = step is CommandState.DELIVERED
    if command.state in FINAL or not (delivery or allows(command.state, step)):
        return None
    final = step in FINAL
    return msgspec.structs.replace(
        command,
        state=step if allows(command.state, step) else command.state,
        deliveries=command.deliveries + delivery,
        delivered_at=command.delivered_at or (at if delivery else None),
        received_at=command.received_at or (at if step is CommandState.RECEIVED else None),
        finished_at=at if final else None,
        detail=detail if final else command.detail,
    )


def event_data(command: Command) -> bytes:
    """The ``data`` of the event ``command.<state>``; the first says all of the command."""
    queued = command.state is CommandState.QUEUED
    return msgspec.json.encode(
        _Told(
            command_id=command.command_id,
            name=command.name,
            created_by=command.created_by if queued else None,
            deadline_at=command.deadline_at if queued else None,
            args=command.args if queued else None,
            detail=command.detail,
        )
    )
