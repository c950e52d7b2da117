"""A change over REST: one transaction with its events, its audit entry and its idempotency key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from flask import Request, Response
from sqlalchemy import Connection, Engine

from app.api.problems import response_of
from app.core import clock
from app.core.errors import BadRequest, KeyInUse, KeyReused, Problem
from app.domain.access import Identity
from app.domain.partition import agent_key, partition_of
from app.storage import audit, idempotency, outbox

MAX_KEY: Final = 255
REPLAYED: Final = "Idempotency-Replayed"
KEPT_HEADERS: Final = ("Content-Type", "ETag", "Location")

Poke = Callable[[int], None]
"""Says that something waits in a partition's outbox."""


@dataclass(slots=True)
class Change:
    """What a change may do in its transaction. ``at`` is its moment, the same for all it writes."""

    connection: Connection
    identity: Identity
    partitions: int
    at: datetime = field(default_factory=clock.now)
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
            self.connection,
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
        key = _key_of(request)
        with self.transaction(identity) as change:
            if key is None:
                return work(change)
            return _once(request, identity, change, key, work, secrets)

    @contextmanager
    def transaction(self, identity: Identity) -> Iterator[Change]:
        """A transaction whose events leave with its commit."""
        with self._engine.connect() as connection, connection.begin():
            change = Change(connection, identity, self._partitions)
            yield change
            outbox.put(connection, identity.project_id, change.events)
        for partition in change.poked | {event.partition for event in change.events}:
            self._poke(partition)


def _once(
    request: Request,
    identity: Identity,
    change: Change,
    key: str,
    work: Work,
    secrets: tuple[str, ...],
) -> Response:
    project_id, path = identity.project_id, request.path
    if not idempotency.claim(change.connection, project_id, path, key):
        raise KeyInUse(retry_after_s=1)
    asked = _hash_of(request, secrets)
    kept = idempotency.find(change.connection, project_id, path, key)
    if kept is not None:
        if kept.request_hash != asked:
            raise KeyReused("Use a key of its own for each request.")
        return _replayed(kept)
    try:
        with change.connection.begin_nested():
            response = work(change)
    except Problem as problem:
        if problem.status >= 500 or problem.retry_after_s is not None:
            raise
        change.events.clear()
        change.poked.clear()
        response = response_of(problem)
    headers = {name: value for name, value in response.headers.items() if name in KEPT_HEADERS}
    body = _without(response.get_data(), secrets)
    answer = idempotency.Answer(asked, response.status_code, headers, body)
    idempotency.keep(change.connection, project_id, path, key, answer)
    return response


def _replayed(kept: idempotency.Answer) -> Response:
    response = Response(kept.body, status=kept.status, headers=kept.headers)
    response.headers[REPLAYED] = "true"
    return response


def _key_of(request: Request) -> str | None:
    """The Idempotency-Key, which may come in quotes."""
    given = request.headers.get("Idempotency-Key")
    if given is None or request.method != "POST":
        return None
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= MAX_KEY or not (key.isascii() and key.isprintable()):
        raise BadRequest(f"Idempotency-Key must have 1 to {MAX_KEY} visible characters.")
    return key


def _hash_of(request: Request, secrets: tuple[str, ...]) -> bytes:
    """What makes it the same request: its query and its body; project and path are in the key.

    A quick hash of a password would be as good as the password, so secrets are left out.
    """
    body = _without(request.get_data(cache=True), secrets)
    return hashlib.sha256(request.query_string + b"\0" + body).digest()


def _without(body: bytes, secrets: tuple[str, ...]) -> bytes:
    if not secrets:
        return body
    members = msgspec.json.decode(body, type=dict[str, Any])
    hidden = {name: None for name in secrets if name in members}
    return msgspec.json.encode({**members, **hidden})
