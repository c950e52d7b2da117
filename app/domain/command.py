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

RESTARTED: Final = "agent_restarted"
"""The detail of a command that failed because the life of the agent that had it is over."""

_RANK: Final = {
    CommandState.QUEUED: 0,
    CommandState.DELIVERED: 1,
    CommandState.RECEIVED: 2,
    **dict.fromkeys(FINAL, 3),
}


class Command(msgspec.Struct, kw_only=True):
    """A command as it is now. ``deliveries`` counts how often it was sent, and
    ``incarnation`` names the agent's life that it was sent to last or that has it; 0 before.
    """

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
    incarnation: int = 0
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
    command: Command,
    step: CommandState,
    at: datetime,
    detail: str | None = None,
    *,
    incarnation: int = 0,
) -> Command | None:
    """The command after this step, which is the state that it leads to; None if nothing changes.

    ``incarnation`` is the life of the agent that it was sent to, or that says so. A delivery that
    was not the first is counted, and a later life may say again that it has the command: then it
    returns the command in the state that it had. That an earlier life had it says nothing once it
    was sent to a later one.
    """
    delivery, received = step is CommandState.DELIVERED, step is CommandState.RECEIVED
    anew = received and command.state is step and incarnation > command.incarnation
    if command.state in FINAL or not (delivery or anew or allows(command.state, step)):
        return None
    if received and incarnation < command.incarnation:
        return None
    final = step in FINAL
    names_life = received or (delivery and command.state in PENDING)
    return msgspec.structs.replace(
        command,
        state=step if allows(command.state, step) else command.state,
        deliveries=command.deliveries + delivery,
        incarnation=max(command.incarnation, incarnation) if names_life else command.incarnation,
        delivered_at=command.delivered_at or (at if delivery else None),
        received_at=command.received_at or (at if received else None),
        finished_at=at if final else None,
        detail=detail if final else command.detail,
    )


def outlived(command: Command, incarnation: int, at: datetime) -> Command | None:
    """The command once its agent lives anew and does not speak of it; None if nothing changes.

    The life that had it may have carried it out, in part or as a whole: to send it again could do
    it twice.
    """
    if command.state is not CommandState.RECEIVED or command.incarnation >= incarnation:
        return None
    return advance(command, CommandState.FAILED, at, RESTARTED)


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
