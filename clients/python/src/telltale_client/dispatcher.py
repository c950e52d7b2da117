"""Runs the program's callbacks on a thread of their own, so that they never hold up the sender."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from telltale_client import frames
from telltale_client.control import PAUSE, RESUME, Control
from telltale_client.session import Notice, Rejection

log = logging.getLogger("telltale_client")

MOST_WAITING = 256
MOST_REMEMBERED = 256
REPEAT_S = 600.0
"""Nobody acknowledges an answer. One that is not older is given again on a new connection."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What the program wants to be told. Those of commands may return a detail for the answer."""

    on_reject: Callable[[Rejection], object] | None = None
    on_command: Callable[[frames.Command], str | None] | None = None
    on_config: Callable[[int, object], object] | None = None
    on_pause: Callable[[frames.Command], str | None] | None = None
    on_resume: Callable[[frames.Command], str | None] | None = None
    on_cancel: Callable[[frames.Command], str | None] | None = None

    def for_command(self, name: str) -> Callable[[frames.Command], str | None] | None:
        """What carries a command out: its own callback, or the one for all others."""
        if name == PAUSE:
            return self.on_pause
        if name == RESUME:
            return self.on_resume
        return (self.on_cancel if name == "cancel" else None) or self.on_command


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command; ``at`` is when, on the monotonic clock."""

    status: str
    detail: str | None
    at: float


class Dispatcher:
    """Calls back in the order of arrival, one at a time.

    A command is acknowledged as received, then as done or failed. The server sends it again after a
    reconnect until it has heard of that; the answer is remembered, so a command never runs twice.
    Pausing and resuming wait for no callback.
    """

    def __init__(
        self, callbacks: Callbacks, control: Control, answer: Callable[[bytes], None]
    ) -> None:
        self._callbacks = callbacks
        self._control = control
        self._answer = answer
        self._waiting: queue.Queue[Notice | None] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def stop(self) -> None:
        """Let the thread end after the callback that runs; what waits is not called any more."""
        self._stopping = True
        with contextlib.suppress(queue.Full):  # then it comes by soon enough
            self._waiting.put_nowait(None)

    def post(self, notice: Notice) -> None:
        """Take a notice without waiting for its callback."""
        if isinstance(notice, frames.Command):
            self._post_command(notice)
        elif isinstance(notice, Rejection):
            if self._callbacks.on_reject is None or not self._enqueue(notice):
                log.warning("Event %s was refused (%s): %s", notice.id, notice.code, notice.detail)
        elif not self._control.configure(notice) or self._callbacks.on_config is None:
            return
        elif not self._enqueue(notice):
            log.warning("Configuration %s was passed over: too many wait", notice.version)

    def repeat(self) -> None:
        """A new connection: the answers that were given last may have been lost with the old.

        A later incarnation also says again what it has in hand: the server would take it for lost.
        """
        now = time.monotonic()
        with self._lock:
            late = [
                (command_id, known)
                for command_id, known in self._answers.items()
                if known.status == "received" or now - known.at < REPEAT_S
            ]
        for command_id, known in late:
            self._answer(frames.command_ack(command_id, known.status, known.detail))

    def _post_command(self, command: frames.Command) -> None:
        with self._lock:
            known = self._answers.get(command.id)
            if known is None:
                self._answers[command.id] = Answer("received", None, time.monotonic())
                while len(self._answers) > MOST_REMEMBERED + MOST_WAITING:
                    self._answers.popitem(last=False)
        if known is not None:
            self._answer(frames.command_ack(command.id, known.status, known.detail))
            return
        obeyed = self._control.obey(command.name)
        if self._callbacks.for_command(command.name) is None:
            status, detail = ("done", None) if obeyed else ("failed", "This agent cannot do that.")
            self._settle(command.id, status, detail)
            return
        self._answer(frames.command_ack(command.id, "received"))
        if not self._enqueue(command):
            self._settle(command.id, "failed", "Too many commands wait.")

    def _settle(self, command_id: str, status: str, detail: str | None) -> None:
        with self._lock:
            self._answers[command_id] = Answer(status, detail, time.monotonic())
        self._answer(frames.command_ack(command_id, status, detail))

    def _enqueue(self, notice: Notice) -> bool:
        try:
            self._waiting.put_nowait(notice)
        except queue.Full:
            return False
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="telltale-calls", daemon=True)
            self._thread.start()
        return True

    def _run(self) -> None:
        while (notice := self._waiting.get()) is not None and not self._stopping:
            try:
                self._call(notice)
            except Exception:
                log.exception("A callback failed")

    def _call(self, notice: Notice) -> None:
        calls = self._callbacks
        if isinstance(notice, Rejection):
            if calls.on_reject is not None:
                calls.on_reject(notice)
        elif isinstance(notice, frames.Config):
            if calls.on_config is not None:
                calls.on_config(notice.version, notice.value)
        elif (carry_out := calls.for_command(notice.name)) is not None:
            try:
                detail = carry_out(notice)
            except Exception as error:
                self._settle(notice.id, "failed", f"{type(error).__name__}: {error}")
                raise
            self._settle(notice.id, "done", detail if isinstance(detail, str) else None)
