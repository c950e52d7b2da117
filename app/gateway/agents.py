"""All agents connected to this process: who they are, how far they are stored, their acks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import gevent
from gevent.event import Event as Signal
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bind_contextvars

from app.backplane.hub import Hub
from app.backplane.messages import AgentsTouched, Batch, Superseded
from app.backplane.publish import Publisher
from app.core.asking import OUT_OF_REACH, ask_in_time
from app.core.logging import get_logger
from app.domain.access import Identity
from app.domain.event import MAX_BATCH, MAX_DATA_BYTES
from app.domain.partition import agent_key, partition_of
from app.eventlog.log import EventLog, LogUnavailable
from app.eventlog.presence import Presence
from app.gateway.agent import AgentSession
from app.gateway.agent_frames import first_hello
from app.gateway.closing import LOG_OUT_OF_REACH, OTHER_AGENT, SUPERSEDED, CloseNow
from app.gateway.connection import Connection
from app.gateway.intake import Intake
from app.gateway.messages import AgentWelcome, Config, Hello, Limits
from app.gateway.orders import Orders
from app.gateway.rate_limits import RateLimits
from app.gateway.registration import NO_CONFIG, register
from app.settings import Settings
from app.storage import agents

ACK_EVERY_S: Final = 0.02
PRESENCE_EVERY_S: Final = 2.0
LOOK_AGAIN_S: Final = 1.0
REGISTER_S: Final = 5.0
"""How long a hello waits for PostgreSQL."""

LATE_HELLOS: Final = 500
"""Hellos that came while PostgreSQL was away and are made good in one round."""

log = get_logger(__name__)


class AgentRegistry:
    """The agents' side of the gateway. One instance a process."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        eventlog: EventLog,
        intake: Intake,
        hub: Hub,
        presence: Presence,
        publisher: Publisher,
        rate_limits: RateLimits,
        orders: Orders,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._log = eventlog
        self._intake = intake
        self._presence = presence
        self._publisher = publisher
        self._rate_limits = rate_limits
        self._orders = orders
        self._sessions: dict[str, AgentSession] = {}
        self._dirty: set[AgentSession] = set()
        self._something = Signal()
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        hub.on_batch.append(self._stored)
        hub.on_superseded.append(self._superseded)

    def start(self) -> None:
        """Begin to ack."""
        if not self._greenlets:
            self._greenlets = [
                gevent.spawn(self._ack_for_ever),
                gevent.spawn(self._every, PRESENCE_EVERY_S, self._mark_present),
                gevent.spawn(self._every, LOOK_AGAIN_S, self._look_again),
            ]

    def serve(self, connection: Connection, identity: Identity) -> None:
        """Run one agent's connection until it ends."""
        session: AgentSession | None = None
        connection.expires_at = connection.last_heard + self._settings.hello_timeout_s
        try:
            for payload in connection.messages():
                if session is None:
                    session = self._hello(connection, identity, first_hello(payload))
                    connection.expires_at = float("inf")
                else:
                    session.handle(payload)
        finally:
            if session is not None:
                self._dirty.discard(session)
                self._orders.leave(session)
                if self._sessions.get(session.key) is session:
                    del self._sessions[session.key]

    def _hello(self, connection: Connection, identity: Identity, hello: Hello) -> AgentSession:
        if not identity.may_speak_for(hello.agent_id):
            raise CloseNow(OTHER_AGENT)
        key = agent_key(str(identity.project_id), hello.agent_id)
        partition = partition_of(key, self._log.partitions)
        bind_contextvars(
            project=str(identity.project_id), agent=hello.agent_id, partition=partition
        )
        stored, config = self._register(identity.project_id, hello)
        try:
            logged = self._log.hello(partition, key, hello.incarnation, stored or 0)
        except LogUnavailable:
            raise CloseNow(LOG_OUT_OF_REACH) from None
        older = self._sessions.get(key)
        if logged is None or (older is not None and _came_later(older, connection, hello)):
            raise CloseNow(SUPERSEDED)
        session = AgentSession(
            connection,
            self._intake,
            project_id=identity.project_id,
            hello=hello,
            key=key,
            behind=timedelta(days=min(30, self._settings.retention_days)),
            dirty=self._mark_dirty,
            answered=self._orders.answer,
        )
        session.resume(stored, logged)
        self._sessions[key] = session
        if older is not None:
            older.connection.close(SUPERSEDED)
        self._publisher.publish(
            Superseded(key, hello.incarnation, connection.id),
            AgentsTouched(str(identity.project_id), [hello.agent_id]),
        )
        connection.send(
            AgentWelcome(
                connection=connection.id,
                stored=session.stored,
                logged=session.logged,
                ping_interval_s=self._settings.ping_interval_s,
                limits=self._limits(key),
                config=config,
            )
        )
        session.told.config_version = config.version
        self._orders.attend(session)
        self._presence.seen([key])
        log.info("agent_connected")
        return session

    def _limits(self, key: str) -> Limits:
        events_per_s, burst = self._rate_limits.of(key)
        return Limits(
            events_per_frame=MAX_BATCH,
            frame_bytes=self._settings.max_frame_bytes,
            data_bytes=MAX_DATA_BYTES,
            events_per_s=events_per_s,
            burst=burst,
        )

    def _register(self, project_id: UUID, hello: Hello) -> tuple[int | None, Config]:
        """Put the agent into its table and read how far it is stored, and its configuration.

        None and no configuration while PostgreSQL is away. The agent may go on: what it sends again
        is known to the log, and it is told its configuration later.

        Raises:
            CloseNow: something of a newer incarnation is stored.
        """
        try:
            return ask_in_time(lambda: register(self._engine, project_id, hello), REGISTER_S)
        except OUT_OF_REACH as error:
            log.warning("hello_without_postgres", error=str(error).split("\n")[0])
            return None, NO_CONFIG

    def _superseded(self, message: Superseded) -> None:
        session = self._sessions.get(message.key)
        if (
            session is not None
            and session.connection.id != message.connection
            and (session.incarnation, session.connection.id)
            < (message.incarnation, message.connection)
        ):
            session.connection.close(SUPERSEDED)

    def _stored(self, batch: Batch) -> None:
        sessions = self._sessions
        for key, (incarnation, seq) in batch.cursors.items():
            session = sessions.get(key)
            if session is not None:
                session.stored_upto(incarnation, seq)

    def _mark_dirty(self, session: AgentSession) -> None:
        self._dirty.add(session)
        if not self._something.is_set():
            self._something.set()

    def _ack_for_ever(self) -> None:
        while True:
            self._something.wait()
            self._something.clear()
            dirty, self._dirty = self._dirty, set()
            for session in dirty:
                session.ack()
            gevent.sleep(ACK_EVERY_S)

    def _mark_present(self) -> None:
        """A frame of whatever kind since the last round is a sign of life."""
        self._presence.seen(
            key for key, session in self._sessions.items() if session.connection.heard_since_asked()
        )

    def _look_again(self) -> None:
        """A publish that was lost leaves agents without ``stored``: ask PostgreSQL."""
        self._register_late()
        waiting = {
            (session.project_id, session.agent_id): session
            for session in self._sessions.values()
            if session.sure and session.stored < session.logged and session.waits_since_asked()
        }
        if not waiting:
            return
        try:
            with self._engine.connect() as connection:
                found = agents.stored_seqs(connection, waiting)
        except SQLAlchemyError as error:
            log.debug("look_again_failed", error=str(error).split("\n")[0])
            return
        for name, session in waiting.items():
            incarnation, seq = found.get(name, (0, 0))
            if incarnation > session.incarnation:
                session.connection.close(SUPERSEDED)
            session.stored_upto(incarnation, seq)
        self._look_into_log([s for s in waiting.values() if s.stored < s.logged])

    def _register_late(self) -> None:
        """Make good the hellos that came while PostgreSQL was away."""
        unsure = [session for session in self._sessions.values() if not session.sure]
        for session in unsure[:LATE_HELLOS]:
            if self._sessions.get(session.key) is not session:
                continue
            try:
                stored, _ = self._register(session.project_id, session.hello)
            except CloseNow as now:
                session.connection.close(now.closing)
                continue
            if stored is None:
                return
            session.stored_upto(session.incarnation, stored)
            session.sure = True
            self._publisher.publish(AgentsTouched(str(session.project_id), [session.agent_id]))

    def _look_into_log(self, sessions: list[AgentSession]) -> None:
        """A log that lost its last second waits for events that agents take to be logged.

        An agent that goes on sending is told by the hole. This is for one that has nothing to send.
        """
        said = [session.logged for session in sessions]
        names = [(partition_of(s.key, self._log.partitions), s.key) for s in sessions]
        try:
            known = self._log.sequences(names)
        except LogUnavailable as error:
            log.debug("look_into_log_failed", error=str(error))
            return
        for session, logged, (incarnation, seq) in zip(sessions, said, known, strict=True):
            has = seq if incarnation == session.incarnation else 0
            if incarnation <= session.incarnation and has < logged and session.stored < logged:
                session.rewind(has)

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        while True:
            gevent.sleep(seconds)
            try:
                action()
            except Exception:
                log.exception("upkeep_failed")


def _came_later(known: AgentSession, connection: Connection, hello: Hello) -> bool:
    """Whether an agent has come back on another connection while this hello waited for its turn."""
    return known.incarnation >= hello.incarnation and known.connection.id > connection.id
