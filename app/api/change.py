"""A change over REST: one transaction with its events, its audit entry and its idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Request, Response
from sqlalchemy import Connection, Engine

from app.api.idempotency_key import claim_of
from app.api.problems import response_of
from app.core import clock
from app.core.errors import Problem
from app.domain.access import Identity
from app.domain.partition import agent_key, partition_of
from app.storage import audit, outbox
from app.storage.writes import Writes

Poke = Callable[[int], None]
"""Says that something waits in a partition's outbox."""


@dataclass(slots=True)
class Change:
    """What a change may do in its transaction. ``at`` is its moment, the same for all it writes."""

    connection: Connection
    identity: Identity
    partitions: int
    at: datetime = field(default_factory=clock.now)
    writes: Writes = field(default_factory=Writes)
    """What needs no answer, sent with the commit."""
    events: list[outbox.Outgoing] = field(default_factory=list)
    poked: set[int] = field(default_factory=set)
    """Partitions whose outbox a trigger has written to."""

    def told_by_trigger(self, agent_id: str) -> None:
        """A trigger of the database made an event of this agent's history."""
        key = agent_key(str(self.identity.project_id), agent_id)
        self.poked.add(partition_of(key, self.partitions))

    def tell(
        self,
        agent_id: str,
        event_type: str,
        data: bytes,
        *,
        task_id: str | None = None,
        task_version: int | None = None,
    ) -> None:
        """Make an event of this agent's history; it leaves with the transaction."""
        key = agent_key(str(self.identity.project_id), agent_id)
        partition = partition_of(key, self.partitions)
        self.events.append(
            outbox.Outgoing(partition, agent_id, event_type, self.at, data, task_id, task_version)
        )

    def record(
        self,
        action: str,
        resource: str,
        resource_id: str,
        *,
        version: int | None = None,
        detail: dict[str, Any] | None = None,
        project_id: UUID | None = None,
    ) -> None:
        """Say in the audit log who did this, by default in the project of whoever it was."""
        audit.record(
            self.writes,
            project_id or self.identity.project_id,
            subject=self.identity.subject,
            action=action,
            resource=resource,
            resource_id=resource_id,
            version=version,
            detail=detail,
        )


Work = Callable[[Change], Response]


class Changes:
    """Runs changes. One instance a process."""

    def __init__(self, engine: Engine, partitions: int, poke: Poke) -> None:
        self._engine = engine
        self._partitions = partitions
        self._poke = poke

    def run(
        self, request: Request, identity: Identity, work: Work, *, secrets: tuple[str, ...] = ()
    ) -> Response:
        """Do the work in one transaction, once for each Idempotency-Key, and answer.

        With a key, what the work answers is kept in the same transaction, be it success or an error
        that would come again; the same request gets it again for a day. Members of the body or the
        answer that are ``secrets`` are not kept: the answer that comes again has null there.

        Raises:
            KeyInUse: the first request with this key is still running.
            KeyReused: the key came with another request.
            BadRequest: the key is not one.
        """
        claim = claim_of(request, identity.project_id, secrets)
        if claim is None:
            with self.transaction(identity) as change:
                return work(change)
        try:
            with self.transaction(identity) as change:
                return claim.answered(change) or claim.keep(change, _tried(work, change))
        except _Refused as refused:
            # The work is undone; that it was refused is kept.
            with self.transaction(identity) as change:
                return claim.answered(change) or claim.keep(change, response_of(refused.problem))

    @contextmanager
    def transaction(self, identity: Identity) -> Iterator[Change]:
        """A transaction whose events leave with its commit."""
        with self._engine.connect() as connection, connection.begin():
            change = Change(connection, identity, self._partitions)
            yield change
            outbox.put(change.writes, identity.project_id, change.events)
            change.writes.commit(connection)
        for partition in change.poked | {event.partition for event in change.events}:
            self._poke(partition)


class _Refused(Exception):
    """The work was refused for a reason that would come again."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def _tried(work: Work, change: Change) -> Response:
    try:
        return work(change)
    except Problem as problem:
        if problem.status >= 500 or problem.retry_after_s is not None:
            raise
        raise _Refused(problem) from problem
