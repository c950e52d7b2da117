"""The machine behind an agent: takes encoded events, keeps them until stored, ends in order."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from telltale_client import lifetime
from telltale_client.buffer import Buffer, Entry, Offer
from telltale_client.control import Control
from telltale_client.dispatcher import Callbacks, Dispatcher
from telltale_client.errors import AgentClosed, AgentFailed, BufferFull
from telltale_client.outbox import Outbox
from telltale_client.sender import Sender
from telltale_client.spill import SpillFile
from telltale_client.state import Connection, Identity, State
from telltale_client.transport import Endpoint
from telltale_client.window import Window

log = logging.getLogger("telltale_client")

JOIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much to keep, what to do when that is full, and how long to wait, in seconds."""

    buffer_size: int = 10_000
    buffer_bytes: int = 32 * 1024 * 1024
    overflow: Literal["block", "raise"] = "block"
    block_timeout: float | None = 30.0
    spill: str | os.PathLike[str] | None = None
    spill_bytes: int = 64 * 1024 * 1024
    window_events: int = 10_000
    window_bytes: int = 4 * 1024 * 1024
    exit_timeout: float = 5.0
    child_id: Callable[[str, int], str] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.overflow not in ("block", "raise"):
            raise ValueError(f"overflow must be block or raise, not {self.overflow!r}.")
        for name in ("buffer_size", "buffer_bytes", "spill_bytes", "window_events", "window_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1.")


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the agent was made (in a forked child: since the fork).

    ``pending`` are neither stored nor rejected; ``spilled`` went through the file.
    """

    emitted: int
    stored: int
    pending: int
    dropped: int
    rejected: int
    spilled: int
    connects: int


class Engine:
    """Thread-safe. Starts its sender at once; in a forked child, with the first event."""

    def __init__(
        self, endpoint: Endpoint, identity: Identity, options: Options, callbacks: Callbacks
    ) -> None:
        self._endpoint = endpoint
        self._options = options
        self._callbacks = callbacks
        spill = options.spill
        self._begin(
            identity,
            None if spill is None else SpillFile(spill, identity.agent_id, options.spill_bytes),
        )
        lifetime.watch(self)
        self._start()

    def _begin(self, identity: Identity, spill: SpillFile | None) -> None:
        options = self._options
        buffer = Buffer(options.buffer_size, options.buffer_bytes)
        window = Window(options.window_events, options.window_bytes)
        self._state = State(identity, Outbox(buffer, window, spill))
        self.control = Control()
        self._dispatcher = Dispatcher(self._callbacks, self.control, self._answer)
        self._sender: Sender | None = None
        self._starting = threading.Lock()

    @property
    def exit_timeout_s(self) -> float:
        """How long the interpreter's exit may wait for this agent, in seconds."""
        return self._options.exit_timeout

    @property
    def identity(self) -> Identity:
        """Who says hello; its incarnation may have grown."""
        return self._state.identity

    @property
    def connection(self) -> Connection:
        """Where the agent stands with its server."""
        return self._state.connection

    @property
    def max_data_bytes(self) -> int:
        """What the server takes as an event's ``data``."""
        return self._state.outbox.window.limits.data_bytes

    def stats(self) -> Stats:
        """What became of the events so far."""
        state = self._state
        with state.changed:
            outbox = state.outbox
            return Stats(
                emitted=state.emitted,
                stored=outbox.stored,
                pending=outbox.pending,
                dropped=outbox.buffer.dropped,
                rejected=state.rejected,
                spilled=outbox.spilled,
                connects=state.connects,
            )

    def put(self, entry: Entry) -> None:
        """Take an event for sending.

        Raises:
            BufferFull: if there is no room, and none appeared within the block time-out.
            AgentFailed: if the server turned the agent away for good.
            AgentClosed: after `close`.
        """
        sender = self._sender or self._start()
        state = self._state
        with state.changed:
            _check_usable(state)
            if state.outbox.put(entry) is Offer.FULL:
                self._wait_for_room(state, entry)
            state.emitted += 1
            wake, state.sleeping = state.sleeping, False
        if wake:
            sender.wake()

    def flush(self, timeout_s: float | None) -> bool:
        """Wait until what is pending now is settled. False if it is not in time, or never will."""
        state = self._state

        def settled() -> int:
            return state.outbox.stored + state.rejected

        with state.changed:
            # Events are settled in order, so that many more means that all of now's are.
            target = settled() + state.outbox.pending

            def is_done() -> bool:
                return not state.outbox.pending or settled() >= target

            state.changed.wait_for(
                lambda: is_done() or state.failure is not None or state.stopping, timeout_s
            )
            return is_done()

    def close(self, timeout_s: float | None) -> bool:
        """Flush, stop the sender, and put away what is left. Returns whether nothing was."""
        state = self._state
        with state.changed:
            if state.connection is Connection.CLOSED:
                return not state.outbox.pending
        self.flush(timeout_s)
        with state.changed:
            if state.stopping:
                return not state.outbox.pending
            state.stopping = True
            state.changed.notify_all()
        if self._sender is not None:
            self._sender.wake()
            self._sender.join(JOIN_S)
        self._dispatcher.stop()
        self.control.release()
        lifetime.unwatch(self)
        return self._put_away(state)

    def renew_after_fork(self) -> None:
        """In a forked child: begin empty, as a later incarnation, and connect when needed.

        The spill file stays the parent's.
        """
        old, sender = self._state, self._sender
        old.abandoned = old.stopping = True
        if sender is not None:
            sender.abandon()
        if old.outbox.spill is not None:
            old.outbox.spill.abandon()
        identity = old.identity.renewed()
        if self._options.child_id is not None:
            child = self._options.child_id(identity.agent_id, os.getpid())
            identity = replace(identity, agent_id=child)
        self._begin(identity, None)

    def _start(self) -> Sender:
        with self._starting:
            if self._sender is None:
                post, repeat = self._dispatcher.post, self._dispatcher.repeat
                sender = Sender(self._endpoint, self._state, post, repeat)
                sender.start()
                lifetime.watch_child_exit()
                self._sender = sender
            return self._sender

    def _wait_for_room(self, state: State, entry: Entry) -> None:
        options = self._options
        patience = options.block_timeout if options.overflow == "block" else 0.0
        until = None if patience is None else time.monotonic() + patience
        while True:
            rest = None if until is None else until - time.monotonic()
            if rest is not None and rest <= 0:
                raise BufferFull(
                    f"No room for the event: {state.outbox.pending} events wait to be stored. "
                    f"The connection is {state.connection}. {state.last_error}".rstrip()
                )
            state.changed.wait(rest)
            _check_usable(state)
            if state.outbox.put(entry) is not Offer.FULL:
                return

    def _answer(self, frame: bytes) -> None:
        state = self._state
        with state.changed:
            state.control.append(frame)
            state.sleeping = False
        if self._sender is not None:
            self._sender.wake()

    def _put_away(self, state: State) -> bool:
        with state.changed:
            state.connection = Connection.CLOSED
            pending = state.outbox.pending
            lost = state.outbox.put_away()
        if lost:
            log.error(
                "Agent %s ends with %d events that the server has not stored. %s",
                state.identity.agent_id,
                lost,
                state.last_error,
            )
        elif pending:
            log.warning(
                "Agent %s leaves %d events in its spill file.", state.identity.agent_id, pending
            )
        return not pending


def _check_usable(state: State) -> None:
    if state.failure is not None:
        raise AgentFailed(state.failure.code, state.failure.reason)
    if state.stopping:
        raise AgentClosed("The agent is closed and takes no more events.")
