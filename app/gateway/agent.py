"""An agent's socket: hello, events in sequence, acks in two levels (protocol §4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gevent.event import Event as Signal

from app.core import clock, metrics
from app.domain.event import (
    Event,
    EventRejected,
    IncomingEvent,
    Rejected,
    accept,
    encode_event,
    read_item,
)
from app.eventlog.log import Outcome, Run, Verdict
from app.gateway.agent_frames import decode
from app.gateway.closing import (
    LOG_OUT_OF_REACH,
    STORE_OUT_OF_REACH,
    SUPERSEDED,
    CloseNow,
    bad_frame,
)
from app.gateway.connection import Connection
from app.gateway.intake import FULL_RETRY_MS, Intake
from app.gateway.messages import (
    Ack,
    CommandAck,
    Events,
    Hello,
    Nack,
    Ping,
    Pong,
    RawEvents,
    Reject,
    Slow,
)
from app.gateway.piece import Piece
from app.gateway.told import Told

MAX_UNANSWERED_EVENTS: Final = 2000
MAX_UNANSWERED_BYTES: Final = 4 * 1024 * 1024
"""What one agent may have on its way to the log; beyond, its socket is not read."""


class AgentSession:
    """What one agent's connection knows. ``key`` is the agent's name across projects."""

    def __init__(
        self,
        connection: Connection,
        intake: Intake,
        *,
        project_id: UUID,
        hello: Hello,
        key: str,
        behind: timedelta,
        dirty: Callable[[AgentSession], None],
        answered: Callable[[AgentSession, CommandAck], None],
    ) -> None:
        self.connection = connection
        self.project_id = project_id
        self.hello = hello
        self.agent_id = hello.agent_id
        self.incarnation = hello.incarnation
        self.key = key
        self.logged = 0
        self.stored = 0
        self.acked: tuple[int, int] = (0, 0)
        self._asked_stored = -1
        self._intake = intake
        self._behind = behind
        self._dirty = dirty
        self._answered_command = answered
        self.told = Told()
        self._next = 1
        self._open: Piece | None = None
        self._project = str(project_id)
        self._deaf = False
        """A frame was refused: those behind it are left unread until it comes again."""
        self._in_flight = 0
        """The seq of the next of those: what was on its way by then is no new mistake."""
        self._round = 0
        """How often the agent has begun anew; answers to what it sent before are out of date."""
        self.sure = True
        """The hello is registered: PostgreSQL has said how far the agent is stored."""
        self._unanswered_events = 0
        self._unanswered_bytes = 0
        self._room = Signal()

    def resume(self, stored: int | None, logged: int) -> None:
        """Continue where the log is; ``stored`` is None while nobody can say it."""
        self.sure = stored is not None
        self.stored = stored or 0
        self.logged = max(logged, self.stored)
        self.acked = (self.logged, self.stored)
        self._next = self.logged + 1

    def handle(self, payload: bytes) -> None:
        """Take one frame.

        Raises:
            CloseNow: the frame is not of the protocol.
        """
        frame, items = decode(payload)
        match frame:
            case Events() | RawEvents():
                self._events(frame.seq, items)
            case Ping():
                self.connection.send(Pong())
            case Hello():
                raise CloseNow(bad_frame("A second hello."))
            case CommandAck():
                self._answered_command(self, frame)

    def stored_upto(self, incarnation: int, seq: int) -> None:
        """The drain has committed this agent's events up to ``seq``."""
        if incarnation == self.incarnation and seq > self.stored:
            self.stored = seq
            self.logged = max(self.logged, seq)
            self._next = max(self._next, seq + 1)
            self._dirty(self)

    def rewind(self, logged: int) -> None:
        """The log came back with less than it had: ask for what lies behind."""
        self.logged = max(logged, self.stored)
        self._ask_from(self.logged + 1)

    def waits_since_asked(self) -> bool:
        """Whether ``stored`` has stood still since this was asked last."""
        asked, self._asked_stored = self._asked_stored, self.stored
        return asked == self.stored

    def ack(self) -> None:
        """Say how far things are, if that changed since it was said last."""
        state = (self.logged, self.stored)
        if state != self.acked and not self.connection.closed:
            self.acked = state
            metrics.acks.inc()
            self.connection.send(Ack(self.logged, self.stored))

    def _events(self, seq: int, items: Sequence[IncomingEvent | bytes]) -> None:
        if not items:
            return
        if seq > self._next:
            if not (self._deaf and seq == self._in_flight):
                self._ask_from(self._next)
            self._in_flight = seq + len(items)
            return
        if self._deaf:
            self._deaf = False
            self._round += 1
            self._open = None
        self._next = max(self._next, seq + len(items))
        before = self._unanswered_events
        self._take(seq, items)
        self._intake.added(self._unanswered_events - before)
        self._intake.wait_for_room()
        while (
            self._unanswered_events > MAX_UNANSWERED_EVENTS
            or self._unanswered_bytes > MAX_UNANSWERED_BYTES
        ) and not self.connection.closed:
            # Not reading any further is the back-pressure that TCP passes on to the agent.
            self._room.clear()
            self._room.wait(1.0)

    def _take(self, seq: int, items: Sequence[IncomingEvent | bytes]) -> None:
        """Put the items behind those that still wait for the log, or begin a new run.

        A run has no holes: a refused item uses up its number at the end of one.
        """
        now = clock.now()
        piece = self._open
        if piece is None or not piece.takes(seq):
            piece = self._begin(seq, now)
            if piece is None:
                return
        for number, item in enumerate(items, start=seq):
            # By the moment of the run: an event without a time gets the one it is received at.
            verdict = self._judge(item, piece.began)
            if isinstance(verdict, Rejected):
                metrics.events_rejected.labels(verdict.code).inc()
                piece.run.spent += 1
                piece.rejects.append(Reject(number, verdict.id, verdict.code, verdict.detail))
                continue
            if piece.run.spent:
                piece = self._begin(number, now)
                if piece is None:
                    return
            record = encode_event(verdict)
            piece.run.ids.append(verdict.id)
            piece.run.records.append(record)
            piece.size += len(record)
            self._unanswered_events += 1
            self._unanswered_bytes += len(record)

    def _begin(self, seq: int, now: datetime) -> Piece | None:
        """A new run that waits for the log; None if no more may wait, and the agent is told."""
        piece = Piece(
            Run(
                key=self.key,
                project=self._project,
                ids=[],
                records=[],
                received_at=clock.rfc3339(now),
                incarnation=self.incarnation,
                seq=seq,
                floor=self.stored,
            ),
            began=now,
            round=self._round,
        )
        # Added to until the intake takes it; nothing runs in between.
        if not self._intake.submit(piece.run, lambda outcome, _: self._answered(piece, outcome)):
            self._refused(piece.run, Outcome(Verdict.FULL, retry_after_ms=FULL_RETRY_MS))
            return None
        self._open = piece
        return piece

    def _judge(self, item: IncomingEvent | bytes, now: datetime) -> Event | Rejected:
        try:
            incoming = item if isinstance(item, IncomingEvent) else read_item(item)
            return accept(incoming, now=now, agent_id=self.agent_id, behind=self._behind)
        except EventRejected as refused:
            return refused.rejected

    def _answered(self, piece: Piece, outcome: Outcome | None) -> None:
        run = piece.run
        self._unanswered_events -= len(run.records)
        self._unanswered_bytes -= piece.size
        self._room.set()
        if outcome is None:
            # Whether it was taken is not known; after a reconnect the sequence tells.
            self.connection.close(LOG_OUT_OF_REACH)
            return
        match outcome.verdict:
            case Verdict.TAKEN:
                metrics.events_in.labels("socket").inc(len(run.records))
                for reject in piece.rejects:
                    self.connection.send(reject)
                self.logged = max(self.logged, outcome.seq)
                self._next = max(self._next, outcome.seq + 1)
                # Also when nothing moved: an event sent again is acknowledged again.
                self.acked = (-1, -1)
                self._dirty(self)
            case Verdict.RATE | Verdict.FULL:
                self._refused(run, outcome)
            case Verdict.HOLE:
                self._hole(piece, outcome.seq)
            case Verdict.SUPERSEDED:
                self.connection.close(SUPERSEDED)

    def _hole(self, piece: Piece, expected: int) -> None:
        if piece.round < self._round:
            # The agent has gone back meanwhile: what it sends now fills the hole.
            return
        # The log may have lost its last second: it knows best where to go on.
        if not self._deaf:
            self._in_flight = self._next
            self._ask_from(expected)
        self._next = expected

    def _ask_from(self, seq: int) -> None:
        """There is a hole before what the agent sends: it should go on from here."""
        self._next = seq
        if not self.sure:
            # What is missing may be stored, and the agent rid of it.
            self.connection.close(STORE_OUT_OF_REACH)
            return
        self._deaf = True
        self.connection.send(Nack(seq))

    def _refused(self, run: Run, outcome: Outcome) -> None:
        reason = "rate" if outcome.verdict is Verdict.RATE else "backlog"
        metrics.events_refused.labels(reason).inc(len(run.records))
        if not self._deaf:
            self._deaf, self._in_flight = True, self._next
            self.connection.send(
                Slow(outcome.retry_after_ms, "rate" if reason == "rate" else "backlog")
            )
        self._next = min(self._next, run.seq)
