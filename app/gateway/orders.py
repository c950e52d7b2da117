"""Commands and configurations on their way to agents' sockets, and the answers on their way back.

Nothing of it is on the way of events: history says who is to be told, and one query reads it for
all of them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final
from uuid import UUID

import gevent
from gevent.event import Event as Signal
from sqlalchemy import Engine

from app.backplane.hub import Hub
from app.backplane.messages import Batch
from app.core import clock, metrics
from app.core.asking import OUT_OF_REACH, ask_in_time
from app.core.logging import get_logger
from app.domain.command import Command, CommandState
from app.domain.configuration import Configuration
from app.domain.partition import agent_key
from app.gateway.agent import AgentSession
from app.gateway.closing import CloseNow, bad_frame
from app.gateway.messages import CommandAck, CommandOrder, ConfigChanged
from app.gateway.pokes import Pokes
from app.storage import command_steps, commands, configurations
from app.storage.command_steps import Step

AGENTS_AT_ONCE: Final = 500
STEPS_AT_ONCE: Final = 500
MAX_STEPS: Final = 20_000
"""Steps that wait to be written. Beyond, agents that answer are not read until there is room."""

MAX_DETAIL: Final = 2000
RETRY_S: Final = 1.0
RESTARTED_S: Final = 5.0
"""After its hello an agent has so long to speak of what its former life had; then that fails."""

ANSWER_S: Final = 5.0

log = get_logger(__name__)


class Orders:
    """The agents of this process that may be told something. One instance a process."""

    def __init__(self, engine: Engine, hub: Hub, pokes: Pokes, partitions: int) -> None:
        self._engine = engine
        self._hub = hub
        self._pokes = pokes
        self._partitions = partitions
        self._sessions: dict[str, AgentSession] = {}
        self._called: dict[str, None] = {}
        self._begun: dict[str, float] = {}
        self._calling = Signal()
        self._steps: deque[Step] = deque()
        self._stepping = Signal()
        self._room = Signal()
        self._greenlets: list[gevent.Greenlet[..., Any]] = []
        hub.on_batch.append(self._heard)
        hub.on_broken.append(self._call_all)

    def start(self) -> None:
        """Begin to tell and to write down."""
        if not self._greenlets:
            self._greenlets = [
                gevent.spawn(self._for_ever, self._calling, self._tell),
                gevent.spawn(self._for_ever, self._stepping, self._write),
                gevent.spawn(self._begin),
                gevent.spawn(self._look_back),
            ]

    def attend(self, session: AgentSession) -> None:
        """From now on this agent is told; first what has been waiting for it."""
        self._sessions[session.key] = session
        self._begun[session.key] = time.monotonic()
        self._call(session.key)

    def leave(self, session: AgentSession) -> None:
        """The agent's connection has ended."""
        if self._sessions.get(session.key) is session:
            del self._sessions[session.key]
            self._begun.pop(session.key, None)

    def answer(self, session: AgentSession, ack: CommandAck) -> None:
        """The agent says what became of a command. Waits while too much is to be written.

        Raises:
            CloseNow: what it names cannot be a command.
        """
        try:
            command_id = UUID(ack.id)
        except ValueError:
            raise CloseNow(bad_frame("There is no such command.")) from None
        while len(self._steps) >= MAX_STEPS and not session.connection.closed:
            self._room.clear()
            self._room.wait(RETRY_S)
        detail = None if ack.detail is None else ack.detail[:MAX_DETAIL].replace("\0", "\ufffd")
        state = CommandState(ack.status)
        self._step(_step(session, command_id, state, detail))

    def _begin(self) -> None:
        # What happened after a hello and before the hub knew the heads, nobody has heard of.
        self._hub.ready.wait()
        self._call_all()

    def _heard(self, batch: Batch) -> None:
        for key in batch.called:
            if key in self._sessions:
                self._call(key)

    def _call_all(self) -> None:
        for key in self._sessions:
            self._call(key)

    def _call(self, key: str) -> None:
        self._called[key] = None
        self._calling.set()

    def _step(self, step: Step) -> None:
        self._steps.append(step)
        self._stepping.set()

    def _for_ever(self, signal: Signal, action: Callable[[], None]) -> None:
        """Act whenever something is there. An action that fails keeps what it was to do."""
        while True:
            signal.wait()
            signal.clear()
            try:
                action()
            except OUT_OF_REACH as error:
                log.warning("orders_wait", error=str(error).split("\n")[0])
                gevent.sleep(RETRY_S)
                signal.set()
            except Exception:
                log.exception("orders_failed")
                gevent.sleep(RETRY_S)

    def _tell(self) -> None:
        keys = list(islice(self._called, AGENTS_AT_ONCE))
        sessions = [self._sessions[key] for key in keys if key in self._sessions]
        for key in keys:
            del self._called[key]
        if self._called:
            self._calling.set()
        if not sessions:
            return
        try:
            configs, pending = ask_in_time(lambda: self._read(sessions), ANSWER_S)
        except OUT_OF_REACH:
            self._called |= dict.fromkeys(keys)
            raise
        waiting: dict[tuple[UUID, str], list[Command]] = {}
        for project_id, command in pending:
            waiting.setdefault((project_id, command.agent_id), []).append(command)
        for session in sessions:
            name = (session.project_id, session.agent_id)
            if name in configs:
                self._configure(session, configs[name])
            self._order(session, waiting.get(name, ()))

    def _read(
        self, sessions: Sequence[AgentSession]
    ) -> tuple[dict[tuple[UUID, str], Configuration], list[tuple[UUID, Command]]]:
        names = [(session.project_id, session.agent_id) for session in sessions]
        with self._engine.connect() as connection:
            return configurations.current(connection, names), commands.pending(connection, names)

    def _configure(self, session: AgentSession, config: Configuration) -> None:
        if config.version > session.told.config_version and not session.connection.closed:
            session.told.config_version = config.version
            session.connection.send(ConfigChanged(config.version, config.value))
            metrics.orders_sent.labels("config").inc()

    def _order(self, session: AgentSession, pending: Sequence[Command]) -> None:
        session.told.more = len(pending) >= commands.PENDING_AT_ONCE
        for command in pending:
            if session.connection.closed:
                return
            if not session.told.takes(command.command_id, len(bytes(command.args))):
                continue
            session.connection.send(
                CommandOrder(
                    str(command.command_id), command.name, command.args, command.deadline_at
                )
            )
            metrics.orders_sent.labels("command").inc()
            # If this is lost, or there is no room for it, the command counts as still queued.
            if len(self._steps) < MAX_STEPS:
                self._step(_step(session, command.command_id, CommandState.DELIVERED))

    def _look_back(self) -> None:
        while True:
            gevent.sleep(RETRY_S)
            try:
                self._end_outlived()
            except OUT_OF_REACH as error:
                log.warning("orders_wait", error=str(error).split("\n")[0])
            except Exception:
                log.exception("orders_failed")

    def _end_outlived(self) -> None:
        """End what the former lives of agents had, once each agent has had its time to speak."""
        due = time.monotonic() - RESTARTED_S
        keys = list(islice((key for key, at in self._begun.items() if at < due), AGENTS_AT_ONCE))
        sessions = [self._sessions[key] for key in keys]
        if not sessions or len(self._steps) >= MAX_STEPS:
            return
        for step in ask_in_time(lambda: self._outlived(sessions), ANSWER_S):
            self._step(step)
        for session in sessions:
            if self._sessions.get(session.key) is session:
                self._begun.pop(session.key, None)

    def _outlived(self, sessions: Sequence[AgentSession]) -> list[Step]:
        lives = {(s.project_id, s.agent_id): s.incarnation for s in sessions}
        with self._engine.connect() as connection:
            found = commands.outlived(connection, ((*name, life) for name, life in lives.items()))
        return [
            Step(*name, CommandState.FAILED, None, lives[name[:2]], outlived=True) for name in found
        ]

    def _write(self) -> None:
        steps = list(islice(self._steps, STEPS_AT_ONCE))
        if not steps:
            return
        try:
            poked, strange = ask_in_time(lambda: self._take(steps), ANSWER_S)
        except OUT_OF_REACH:
            raise
        except Exception:
            self._written(steps)
            raise
        self._written(steps)
        for partition in poked:
            self._pokes.poke(partition)
        if strange:
            # Finished already, pruned, or lost with a database that was restored.
            log.debug("answers_without_command", count=len(strange))

    def _take(self, steps: Sequence[Step]) -> tuple[set[int], list[Step]]:
        with self._engine.begin() as connection:
            return command_steps.take(connection, steps, clock.now(), self._partitions)

    def _written(self, steps: Sequence[Step]) -> None:
        for _ in steps:
            self._steps.popleft()
        self._room.set()
        if self._steps:
            self._stepping.set()
        touched = set()
        for step in steps:
            key = agent_key(str(step.project_id), step.agent_id)
            session = self._sessions.get(key)
            if session is not None:
                touched.add(session)
                if step.state is not CommandState.DELIVERED:
                    session.told.answered(step.command_id)
        for session in touched:
            if session.told.more:
                self._call(session.key)


def _step(
    session: AgentSession, command_id: UUID, state: CommandState, detail: str | None = None
) -> Step:
    return Step(
        session.project_id, session.agent_id, command_id, state, detail, session.incarnation
    )
