"""The public face: an agent that tells Telltale what it does."""

from __future__ import annotations

import os
import ssl
import time as clock
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

from telltale_client.buffer import Entry
from telltale_client.dispatcher import Callbacks
from telltale_client.engine import Engine, Options, Stats
from telltale_client.event import (
    MAX_AGENT_ID,
    MAX_ID,
    Severity,
    check_metrics,
    check_visible,
    encode_event,
    encode_object,
    is_droppable,
)
from telltale_client.frames import Command, Config
from telltale_client.session import Rejection
from telltale_client.state import Connection, Identity
from telltale_client.transport import Endpoint
from telltale_client.uuid7 import uuid7

MAX_NAME = 200
MAX_META_BYTES = 16 * 1024
LARGEST_INCARNATION = 2**53


class Agent:
    """Streams events to a Telltale server and keeps each until the server has stored it.

    Connects in the background at once. All methods may be called from any thread. Options are
    explained in the README; times are seconds, sizes bytes.
    """

    def __init__(
        self,
        url: str,
        key: str,
        agent_id: str,
        role: Literal["worker", "manager"] = "worker",
        *,
        name: str | None = None,
        meta: Mapping[str, Any] | None = None,
        incarnation: int | None = None,
        buffer_size: int = 10_000,
        buffer_bytes: int = 32 * 1024 * 1024,
        overflow: Literal["block", "raise"] = "block",
        block_timeout: float | None = 30.0,
        spill: str | os.PathLike[str] | None = None,
        spill_bytes: int = 64 * 1024 * 1024,
        window_events: int = 10_000,
        window_bytes: int = 4 * 1024 * 1024,
        connect_timeout: float = 10.0,
        exit_timeout: float = 5.0,
        ssl_context: ssl.SSLContext | None = None,
        child_id: Callable[[str, int], str] | None = None,
        on_reject: Callable[[Rejection], object] | None = None,
        on_command: Callable[[Command], str | None] | None = None,
        on_config: Callable[[int, Any], object] | None = None,
        on_pause: Callable[[Command], str | None] | None = None,
        on_resume: Callable[[Command], str | None] | None = None,
        on_cancel: Callable[[Command], str | None] | None = None,
    ) -> None:
        """Begin to connect.

        Raises:
            ValueError: if an argument cannot be right.
            SpillUnusable: if the spill file is another agent's, in use, or not writable.
        """
        check_visible("agent_id", agent_id, MAX_AGENT_ID)
        if role not in ("worker", "manager"):
            raise ValueError(f"role must be worker or manager, not {role!r}.")
        if name is not None and not 0 < len(name) <= MAX_NAME:
            raise ValueError(f"name must be 1 to {MAX_NAME} characters.")
        if meta is not None:
            encode_object("meta", meta, MAX_META_BYTES)
        if incarnation is None:
            incarnation = clock.time_ns() // 1_000_000
        if not 0 < incarnation < LARGEST_INCARNATION:
            raise ValueError("incarnation must be between 1 and 2**53.")
        self._engine = Engine(
            Endpoint.of(url, key, connect_timeout, ssl_context),
            Identity(agent_id, role, incarnation, name, meta),
            Options(
                buffer_size=buffer_size,
                buffer_bytes=buffer_bytes,
                overflow=overflow,
                block_timeout=block_timeout,
                spill=spill,
                spill_bytes=spill_bytes,
                window_events=window_events,
                window_bytes=window_bytes,
                exit_timeout=exit_timeout,
                child_id=child_id,
            ),
            Callbacks(on_reject, on_command, on_config, on_pause, on_resume, on_cancel),
        )

    def emit(
        self,
        type: str,  # noqa: A002  the protocol's word
        data: Mapping[str, Any] | None = None,
        *,
        task_id: str | None = None,
        trace_id: str | None = None,
        severity: Severity = "info",
        time: datetime | str | None = None,
        id: str | None = None,  # noqa: A002  the protocol's word
    ) -> str:
        """Hand over one event; it is encoded now and sent in the background. Returns its id.

        ``time`` is now, and ``id`` a new UUIDv7, unless given.

        Raises:
            InvalidEvent: (a ValueError) if the event breaks a rule; it was not taken.
            BufferFull: if there was no room for it in time; it was not taken.
            AgentFailed: if the server turned this agent away for good; it was not taken.
            AgentClosed: after `close`.
        """
        event_id = uuid7() if id is None else check_visible("id", id, MAX_ID)
        payload = encode_event(
            type,
            data,
            event_id=event_id,
            time=time,
            task_id=task_id,
            trace_id=trace_id,
            severity=severity,
            max_data_bytes=self._engine.max_data_bytes,
        )
        self._engine.put(Entry(event_id, payload, is_droppable(type, severity)))
        return event_id

    def log(
        self,
        message: str,
        severity: Severity = "info",
        *,
        task_id: str | None = None,
        trace_id: str | None = None,
    ) -> str:
        """Emit a line for people (`agent.log`). At severity debug it is dropped first."""
        return self.emit(
            "agent.log",
            {"message": str(message)},
            task_id=task_id,
            trace_id=trace_id,
            severity=severity,
        )

    def metric(self, **numbers: float) -> str:
        """Emit measured numbers (`agent.metric`), like ``cpu_pct=3.5``. Dropped first when full."""
        check_metrics(numbers)
        return self.emit("agent.metric", numbers)

    def status(self, status: str, note: str | None = None, *, task_id: str | None = None) -> str:
        """Emit what the agent is doing now (`agent.status`), in a word and perhaps a note."""
        data = {"status": status} if note is None else {"status": status, "note": note}
        return self.emit("agent.status", data, task_id=task_id)

    @property
    def paused(self) -> bool:
        """Whether a manager has paused this agent and not resumed it since."""
        return self._engine.control.paused

    def wait_while_paused(self, timeout: float | None = None) -> bool:
        """Wait as long as this agent is paused; call it between two steps of work.

        Returns at once if it is not paused. False if it still is after ``timeout`` seconds, or when
        the agent is closed.
        """
        return self._engine.control.wait_while_paused(timeout)

    @property
    def config(self) -> Config:
        """The newest configuration from the server: ``version`` (0 is none) and ``value``."""
        return self._engine.control.config

    def flush(self, timeout: float | None = 30.0) -> bool:
        """Wait until everything emitted so far is stored or rejected. False if it is not.

        ``timeout`` is in seconds; None waits for ever.
        """
        return self._engine.flush(timeout)

    def close(self, timeout: float | None = 5.0) -> bool:
        """Flush for at most ``timeout`` seconds, then disconnect. Returns whether all is stored.

        What is not stored by then goes to the spill file, or is named in an error log.
        """
        return self._engine.close(timeout)

    def stats(self) -> Stats:
        """What became of the events so far."""
        return self._engine.stats()

    @property
    def agent_id(self) -> str:
        """The agent's id."""
        return self._engine.identity.agent_id

    @property
    def incarnation(self) -> int:
        """Grows with every start of this agent, and when the sequence must begin again."""
        return self._engine.identity.incarnation

    @property
    def connection(self) -> Connection:
        """One of connecting, online, offline (it will be tried again), failed, closed."""
        return self._engine.connection

    @property
    def pending(self) -> int:
        """Events that are neither stored nor rejected yet."""
        return self.stats().pending

    @property
    def dropped(self) -> int:
        """Debug logs and metrics that had to go because there was no room."""
        return self.stats().dropped

    @property
    def rejected(self) -> int:
        """Events that the server refused."""
        return self.stats().rejected

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
