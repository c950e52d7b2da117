"""``POST /v1/events``: events by REST (protocol §3)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import gevent
import msgspec
from flask import Request, Response, request
from flask_smorest import Blueprint
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.access.authenticator import Authenticator
from app.api.body import Memory, Room
from app.api.description.media import EVENTS
from app.api.description.operation import described
from app.api.items import items_of
from app.backplane.hub import Hub
from app.core import clock, metrics
from app.core.errors import (
    BadRequest,
    LogFull,
    Problem,
    TooManyRequests,
    Unavailable,
    Unprocessable,
)
from app.core.logging import get_logger
from app.domain.access import Identity, Permission
from app.domain.event import Event, EventRejected, Rejected, accept, encode_event, read_item
from app.domain.partition import agent_key, partition_of
from app.eventlog.log import NOWHERE, Appender, LogUnavailable, Mark, Outcome, Run, Verdict
from app.schemas.receipts import Receipt, Refused
from app.settings import Settings
from app.storage.settled import all_settled

MAX_WAIT_S: Final = 10.0
LOOK_AGAIN_S: Final = 0.25
LATE_ROWS_S: Final = 1.5
BREATH_BYTES: Final = 128 * 1024
"""After judging so much, others get their turn."""

log = get_logger(__name__)


Turned = tuple[int, Rejected]
"""The index of an item that was refused, and why."""


@dataclass(slots=True)
class _Batch:
    """One agent's part of a body."""

    run: Run
    partition: int
    indexes: list[int] = field(default_factory=list)
    outcome: Outcome | None = None
    mark: Mark = NOWHERE


def create_blueprint(
    settings: Settings,
    authenticator: Authenticator,
    engine: Engine,
    appender: Appender,
    hub: Hub,
    memory: Memory,
) -> Blueprint:
    """The ingest route."""
    blueprint = Blueprint("ingest", __name__, description="What agents send.")
    behind = timedelta(days=min(30, settings.retention_days))

    def read(identity: Identity, room: Room) -> tuple[list[_Batch], list[Turned], int, bool]:
        """What the body holds: its events by agent, what is refused, how many items it has, and
        whether it is one event alone.

        All else that was made of the body on the way is gone when this returns.
        """
        items, alone = items_of(request, room.body(request))
        now = clock.now()
        accepted, refused = _judge(items, now, behind, identity.agent_id)
        project = str(identity.project_id)
        return _by_agent(accepted, project, now, settings), refused, len(items), alone

    @blueprint.route("/v1/events", methods=["POST"], tags=["events"])
    @described(
        "send_events",
        Permission.SEND,
        {200: Receipt, 202: Receipt},
        body=EVENTS,
        headers=("Prefer",),
        refuses=(429,),
    )
    def post_events() -> Response:
        """Send events: one, an array of up to 1,000, NDJSON, or CloudEvents; gzip is allowed.

        Each event is judged alone: what is not named in `rejected` is in. 202 says that they are in
        the log; with `Prefer: wait=…` 200 says that they are stored. 422 means that nothing was
        acceptable.
        """
        identity = authenticator.request(request, Permission.SEND)
        wait_s = _wait_asked(request)
        with memory.room() as room:
            batches, refused, amount, alone = read(identity, room)
            _append_all(batches, appender)
        duplicates = 0
        for batch in batches:
            if batch.outcome is not None and batch.outcome.verdict is Verdict.TAKEN:
                duplicates += batch.outcome.duplicates
                metrics.events_in.labels("rest").inc(len(batch.indexes))
            else:
                refused += _not_taken(batch)
        taken = amount - len(refused)
        if not taken:
            raise _nothing_taken(batches, refused, alone=alone)
        named = [Refused(index, why.id, why.code, why.detail) for index, why in sorted(refused)]
        stored = wait_s > 0 and _wait_stored(batches, identity.project_id, engine, hub, wait_s)
        receipt = Receipt(taken - duplicates, duplicates, named, stored)
        response = Response(
            msgspec.json.encode(receipt),
            status=200 if stored else 202,
            content_type="application/json",
        )
        if wait_s > 0:
            response.headers["Preference-Applied"] = f"wait={wait_s:g}"
        return response

    return blueprint


def _wait_asked(req: Request) -> float:
    for preference in req.headers.get("Prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.strip().lower() == "wait":
            try:
                seconds = float(value.strip().strip('"'))
            except ValueError:
                raise BadRequest("Prefer: wait must be a number of seconds.") from None
            if not 0 <= seconds <= MAX_WAIT_S:
                raise BadRequest(f"Prefer: wait may be at most {MAX_WAIT_S:g} seconds.")
            return seconds
    return 0.0


def _judge(
    items: list[bytes | Rejected], now: datetime, behind: timedelta, agent_id: str | None
) -> tuple[list[tuple[int, Event]], list[Turned]]:
    accepted: list[tuple[int, Event]] = []
    refused: list[Turned] = []
    judged = 0
    for index, item in enumerate(items):
        verdict: Event | Rejected
        if isinstance(item, Rejected):
            verdict = item
        else:
            judged += len(item)
            verdict = _verdict(item, now, behind, agent_id)
        if isinstance(verdict, Rejected):
            metrics.events_rejected.labels(verdict.code).inc()
            refused.append((index, verdict))
        else:
            accepted.append((index, verdict))
        if judged > BREATH_BYTES:
            judged = 0
            gevent.sleep(0)
    return accepted, refused


def _verdict(
    item: bytes, now: datetime, behind: timedelta, agent_id: str | None
) -> Event | Rejected:
    try:
        return accept(read_item(item), now=now, agent_id=agent_id, behind=behind)
    except EventRejected as error:
        return error.rejected


def _by_agent(
    accepted: list[tuple[int, Event]], project: str, now: datetime, settings: Settings
) -> list[_Batch]:
    batches: dict[str, _Batch] = {}
    for index, event in accepted:
        batch = batches.get(event.agent_id)
        if batch is None:
            key = agent_key(project, event.agent_id)
            batch = batches[event.agent_id] = _Batch(
                Run(
                    key=key,
                    project=project,
                    ids=[],
                    records=[],
                    received_at=clock.rfc3339(now),
                ),
                partition_of(key, settings.partitions),
            )
        batch.indexes.append(index)
        batch.run.ids.append(event.id)
        batch.run.records.append(encode_event(event))
    return list(batches.values())


def _append_all(batches: list[_Batch], appender: Appender) -> None:
    def append(batch: _Batch) -> None:
        try:
            batch.outcome, batch.mark = appender.append(batch.run)
        except LogUnavailable:
            batch.outcome = None

    if len(batches) == 1:
        append(batches[0])
    else:
        # Together, so that they share the next append.
        gevent.joinall([gevent.spawn(append, batch) for batch in batches])
    for batch in batches:
        # They are in the log, or will be sent again; to wait for them takes their ids alone.
        batch.run.records.clear()


def _not_taken(batch: _Batch) -> list[Turned]:
    code, detail = "unavailable", "The log is out of reach; it is not known whether this is in."
    if batch.outcome is not None:
        reason = "rate" if batch.outcome.verdict is Verdict.RATE else "backlog"
        metrics.events_refused.labels(reason).inc(len(batch.indexes))
        code, detail = (
            ("rate_limited", "This agent sends too fast.")
            if reason == "rate"
            else ("backlog_full", "The backlog is full.")
        )
    return [
        (index, Rejected(code, detail, event_id))
        for index, event_id in zip(batch.indexes, batch.run.ids, strict=True)
    ]


def _nothing_taken(batches: list[_Batch], refused: list[Turned], *, alone: bool) -> Problem:
    """The status for a request of which nothing is in."""
    outcomes = [batch.outcome for batch in batches]
    errors = [_error(("" if alone else f"/{index}"), why) for index, why in sorted(refused)]
    waits = [outcome.retry_after_ms / 1000 for outcome in outcomes if outcome is not None]
    if any(outcome is None for outcome in outcomes):
        return Unavailable("The log is out of reach.", retry_after_s=1)
    if any(o is not None and o.verdict is Verdict.FULL for o in outcomes):
        return LogFull(retry_after_s=max(waits))
    if outcomes:
        return TooManyRequests(retry_after_s=max(waits))
    return Unprocessable("No event in the body is acceptable.", errors=errors)


def _error(place: str, why: Rejected) -> dict[str, str]:
    """One refused item among the errors of a problem; ``place`` points at it in the body."""
    error = {"pointer": place + why.pointer, "code": why.code, "detail": why.detail}
    return error if why.id is None else {**error, "id": why.id}


def _wait_stored(
    batches: list[_Batch], project_id: UUID, engine: Engine, hub: Hub, wait_s: float
) -> bool:
    """Wait until the log is drained so far, and see the rows themselves: a log that lost its last
    second counts other events by the same numbers.

    Rows that do not come soon then are lost: the sooner the sender hears of it, the better.
    """
    taken = [b for b in batches if b.outcome is not None and b.outcome.verdict is Verdict.TAKEN]
    deadline = time.monotonic() + wait_s
    waiting = taken
    while waiting := [b for b in waiting if not hub.has_passed(b.partition, b.mark)]:
        if (left := deadline - time.monotonic()) <= 0:
            return False
        hub.moved.wait(min(left, 0.25))
    deadline = min(deadline, time.monotonic() + LATE_ROWS_S)
    ids = [event_id for batch in taken for event_id in batch.run.ids]
    while not _are_settled(engine, project_id, ids):
        if time.monotonic() + LOOK_AGAIN_S > deadline:
            return False
        gevent.sleep(LOOK_AGAIN_S)
    return True


def _are_settled(engine: Engine, project_id: UUID, ids: list[str]) -> bool:
    try:
        with engine.connect() as connection:
            return all_settled(connection, project_id, ids)
    except SQLAlchemyError as error:
        log.debug("settled_unknown", error=str(error).split("\n")[0])
        return False
