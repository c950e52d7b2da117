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
from sqlalchemy.exc import DBAPIError

from app.api.idempotency_key import Claim, claim_of
from app.api.problems import response_of
from app.cache.caches import Caches
from app.core import clock
from app.core.errors import Problem
from app.domain.access import Identity
from app.domain.partition import agent_key, partition_of
from app.storage import audit, outbox
from app.storage.idempotency import is_taken
from app.storage.writes import Writes

Poke = Callable[[int], None]
"""Says that something waits in a partition's outbox."""


@dataclass(slots=True)
class Change:
    """What a change may do in its transaction. ``at`` is its moment, the same for all it writes."""

    identity: Identity
    partitions: int
    caches: Caches
    reader: Connection | None
    """None for a change that needs to read nothing."""
    at: datetime = field(default_factory=clock.now)
    writes: Writes = field(default_factory=Writes)
    """What needs no answer, sent with the commit."""
    events: list[outbox.Outgoing] = field(default_factory=list)
    poked: set[int] = field(default_factory=set)
    """Partitions whose outbox a trigger has written to."""
    forgotten: list[tuple[str, str]] = field(default_factory=list)
    """What caches keep of it is old with the commit: (cache, name)."""

    @property
    def connection(self) -> Connection:
        """The transaction, for what the change reads and for writes whose outcome it needs."""
        if self.reader is None:
            raise RuntimeError("The change was begun as one that reads nothing.")
        return self.reader

    def has_agent(self, agent_id: str) -> bool:
        """Whether there is such an agent in the project."""
        return self.caches.has_agent(self.identity.project_id, agent_id, self.reader)

    def forget(self, cache: str, name: str) -> None:
        """Let no process answer from this cache, once it is committed."""
        self.forgotten.append((cache, name))

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

    def __init__(self, engine: Engine, caches: Caches, partitions: int, poke: Poke) -> None:
        self._engine = engine
        self._alone = engine.execution_options(isolation_level="AUTOCOMMIT")
        """For a statement that is a transaction by itself."""
        self._caches = caches
        self._partitions = partitions
        self._poke = poke

    def run(
        self,
        request: Request,
        identity: Identity,
        work: Work,
        *,
        reads: bool = True,
        secrets: tuple[str, ...] = (),
    ) -> Response:
        """Do the work in one transaction, once for each Idempotency-Key, and answer.

        With a key, what the work answers is kept in the same transaction, be it success or an error
        that would come again; the same request gets it again for a day. Members of the body or the
        answer that are ``secrets`` are not kept: the answer that comes again has null there.

        Work that ``reads`` nothing of the database is one statement, and so one round trip.

        Raises:
            KeyInUse: the first request with this key is still running.
            KeyReused: the key came with another request.
            BadRequest: the key is not one.
        """
        claim = claim_of(request, identity.project_id, secrets)
        if claim is None:
            with self.transaction(identity, reads=reads) as change:
                return work(change)
        if not reads and (response := self._at_once(claim, identity, work)) is not None:
            return response
        try:
            with self.transaction(identity) as change:
                return claim.answered(change) or claim.keep(change, _tried(work, change))
        except _Refused as refused:
            # The work is undone; that it was refused is kept.
            with self.transaction(identity) as change:
                return claim.answered(change) or claim.keep(change, response_of(refused.problem))

    def _at_once(self, claim: Claim, identity: Identity, work: Work) -> Response | None:
        """The answer of work that is the first with its key, as nearly all is; None if it is not,
        or was refused, and has to be gone about with care.
        """
        try:
            with self.transaction(identity, reads=False) as change:
                return claim.keep_first(change, _tried(work, change))
        except _Refused:
            return None
        except DBAPIError as error:
            if not is_taken(error):
                raise
            return None

    @contextmanager
    def transaction(self, identity: Identity, *, reads: bool = True) -> Iterator[Change]:
        """A transaction whose events leave with its commit."""
        if reads:
            with self._engine.connect() as connection, connection.begin():
                change = Change(identity, self._partitions, self._caches, connection)
                yield change
                outbox.put(change.writes, identity.project_id, change.events)
                change.writes.send(connection)
        else:
            change = Change(identity, self._partitions, self._caches, None)
            yield change
            outbox.put(change.writes, identity.project_id, change.events)
            with self._alone.connect() as connection:
                change.writes.send(connection)
        for cache, name in change.forgotten:
            self._caches.forget(cache, [name])
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
