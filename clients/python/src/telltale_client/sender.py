"""The background thread: connects, sends what waits, reads the answers, and comes back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from telltale_client import frames
from telltale_client.backoff import Backoff
from telltale_client.closing import Ending, Next, judge
from telltale_client.errors import AgentFailed, ConnectFailed, CredentialsRefused, FrameInvalid
from telltale_client.session import Notice, Rejection, Session
from telltale_client.state import Connection, State
from telltale_client.transport import Endpoint, Transport
from telltale_client.wakeup import Wakeup

log = logging.getLogger("telltale_client")

SYNC_S = 1.0
PROVEN_S = 5.0
"""A connection that lasted so long, or that stored something, was a good one."""


class Sender:
    """Owns the socket. Everything it shares with other threads is in ``state``."""

    def __init__(
        self,
        endpoint: Endpoint,
        state: State,
        post: Callable[[Notice], None],
        welcomed: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._state = state
        self._post = post
        self._welcomed = welcomed
        self._backoff = Backoff()
        self._wakeup = Wakeup()
        self._transport: Transport | None = None
        self._synced = 0.0
        name = f"telltale-{state.identity.agent_id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to send, or it is time to stop."""
        self._wakeup.ring()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end; it does once the state says that it is stopping."""
        self._thread.join(timeout_s)

    def abandon(self) -> None:
        """In a forked child: close what was inherited, without a word to the parent's server."""
        if self._transport is not None:
            self._transport.abandon()
        self._wakeup.close()

    def _run(self) -> None:
        try:
            while not self._state.stopping:
                ending = self._connect_and_converse()
                if ending is None or not self._prepare_next(ending):
                    break
        except Exception as error:
            if not self._state.abandoned:
                log.exception("The sender of this agent broke")
                self._fail(Ending(Next.FAIL, 0, f"fault in the client: {error!r}"))
        finally:
            if not self._state.abandoned:
                self._wakeup.close()

    def _connect_and_converse(self) -> Ending | None:
        """One connection. None means that the agent is stopping."""
        try:
            transport = self._transport = Transport(self._endpoint, self._wakeup)
        except CredentialsRefused as error:
            return judge(4500, f"bad credentials ({error})")
        except ConnectFailed as error:
            return judge(1006, str(error), retry_after_s=error.retry_after_s)
        try:
            return None if self._state.stopping else self._converse(transport)
        finally:
            if not self._state.abandoned:
                transport.close()
                self._transport = None

    def _converse(self, transport: Transport) -> Ending | None:
        state = self._state
        with state.changed:
            state.control.clear()
            session = Session(state.outbox, state.control, time.monotonic())
            hello = state.identity.hello()
        transport.send([hello])
        while True:
            now = time.monotonic()
            with state.changed:
                if state.stopping:
                    return None
                out = [] if transport.backlogged else session.outgoing(now)
                wake_at = session.wake_at(can_send=not transport.backlogged)
                # A new event changes nothing while others wait for the window or the socket.
                has_more = state.outbox.has_more
                state.sleeping = not (has_more or transport.backlogged)
            self._sync(now)
            transport.send(out)
            transport.wait(0.0 if out and has_more else self._nap(wake_at - now))
            ending = self._listen(transport, session)
            if ending is not None:
                if session.stored or (session.is_welcome and now - session.started >= PROVEN_S):
                    self._backoff.reset()
                return ending

    def _listen(self, transport: Transport, session: Session) -> Ending | None:
        """Take in what has arrived. Returns how the connection ended, if it has."""
        state = self._state
        messages, heard = transport.receive()
        try:
            arrived = [frame for message in messages if (frame := frames.decode(message))]
        except FrameInvalid as error:
            return judge(1006, str(error))
        now = time.monotonic()
        notices: list[Notice] = []
        is_new = False
        with state.changed:
            state.sleeping = False
            if state.stopping:
                return None
            if heard:
                session.heard(now)
            for frame in arrived:
                notices += session.receive(frame, now)
            state.rejected += sum(isinstance(notice, Rejection) for notice in notices)
            if session.is_welcome and state.connection is not Connection.ONLINE:
                self._note_online()
                is_new = True
            if arrived:
                state.changed.notify_all()
            ending = session.ending(now, transport.closed)
        if is_new:
            self._welcomed()
        for notice in notices:
            self._post(notice)
        return ending

    def _note_online(self) -> None:
        state = self._state
        state.connection = Connection.ONLINE
        state.connects += 1
        log.info("Agent %s is connected to %s", state.identity.agent_id, self._endpoint.uri)

    def _prepare_next(self, ending: Ending) -> bool:
        """Between two connections. False if there will be no other."""
        state = self._state
        if ending.next is Next.FAIL:
            self._fail(ending)
            return False
        delay = self._backoff.next_delay(ending.retry_after_s)
        with state.changed:
            if state.stopping:
                return False
            # One line for an outage, not one for each attempt.
            level = logging.DEBUG if state.connection is Connection.OFFLINE else logging.WARNING
            state.connection = Connection.OFFLINE
            state.last_error = ending.reason
            if ending.next is Next.RESTART:
                state.outbox.renumber()
                state.identity = state.identity.renewed()
            state.changed.notify_all()
        log.log(
            level,
            "Agent %s lost %s (%d, %s); next attempt in %.1f s",
            state.identity.agent_id,
            self._endpoint.uri,
            ending.code,
            ending.reason,
            delay,
        )
        self._pause(delay)
        return True

    def _pause(self, delay: float) -> None:
        until = time.monotonic() + delay
        while not self._state.stopping and (rest := until - time.monotonic()) > 0:
            self._sync(time.monotonic())
            self._wakeup.wait(self._nap(rest))

    def _nap(self, timeout_s: float) -> float:
        """Not longer than until the spill file wants to be synced."""
        return timeout_s if self._state.outbox.spill is None else min(timeout_s, SYNC_S)

    def _sync(self, now: float) -> None:
        if self._state.outbox.spill is None or now < self._synced + SYNC_S:
            return
        self._synced = now
        with self._state.changed:
            if not self._state.stopping:
                self._state.outbox.sync()

    def _fail(self, ending: Ending) -> None:
        state = self._state
        with state.changed:
            state.connection = Connection.FAILED
            state.failure = AgentFailed(ending.code, ending.reason)
            state.last_error = ending.reason
            state.changed.notify_all()
        log.error("Agent %s: %s", state.identity.agent_id, state.failure)
