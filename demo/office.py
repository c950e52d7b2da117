"""What the manager asks of the server over REST; it asks until the server is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any, Literal, TypeVar

from telltale_client import ApiError, Manager, ServerUnreachable

from demo.names import MANAGER, MANAGER_NAME, worker_id, worker_name

OPEN = "submitted,working,input_required,auth_required"
ASK_AGAIN_S = 1.0
"""Between two long attempts."""

ORDER_S = 10.0
RESUME_S = 3600.0
"""A worker that was paused must hear that it may go on, however late."""

Given = TypeVar("Given")


class Office:
    """Tasks, commands and configurations of the fleet. A call returns when it is done.

    Every method may raise `ApiError` where the server refuses for good.
    """

    def __init__(self, url: str, key: str) -> None:
        """Asks nothing yet.

        Raises:
            ValueError: if address or key cannot be right.
        """
        self._manager = Manager(url, key)
        # Keys of this run do not meet those of the last.
        self._run = f"demo-{time.time_ns():x}"
        self._keys = count(1)

    def open(self, workers: int) -> None:
        """Make the fleet known, and put away what an earlier run has left open."""
        self._introduce(MANAGER, "manager", MANAGER_NAME)
        for number in range(1, workers + 1):
            self._introduce(worker_id(number), "worker", worker_name(number))
        manager = self._manager
        for task in _insist(lambda: list(manager.tasks(state=OPEN, created_by=MANAGER))):
            self.call_off(task.task_id, "Left over from an earlier run.")

    def create(
        self,
        title: str,
        agent_id: str,
        *,
        parent_id: str | None = None,
        input: Any = None,  # noqa: A002
    ) -> str:
        """Create a task; returns its id."""
        key = self._key()
        manager = self._manager
        return _insist(
            lambda: manager.create_task(
                title,
                agent_id,
                parent_id=parent_id,
                input=input,
                created_by=MANAGER,
                idempotency_key=key,
            )
        ).task_id

    def call_off(self, task_id: str, note: str) -> None:
        """Cancel a task that nobody is at. One that has come to its end stays as it is."""
        try:
            _insist(lambda: self._manager.cancel_task(task_id, note))
        except ApiError as error:
            if error.code != "transition_refused":
                raise

    def pause(self, number: int) -> None:
        """Order a worker to wait."""
        self._order(number, "pause", ORDER_S)

    def resume(self, number: int) -> None:
        """Order a worker to go on."""
        self._order(number, "resume", RESUME_S)

    def stop(self, number: int, task_id: str) -> None:
        """Order a worker to drop the task that it is at; it reports what became of it."""
        self._order(number, "cancel", ORDER_S, task_id=task_id)

    def set_pace(self, number: int, pace: float) -> None:
        """Change a worker's configuration; what else people have put there stays."""

        def edit(value: Any) -> dict[str, Any]:
            return {**(value if isinstance(value, dict) else {}), "pace": pace}

        _insist(lambda: self._manager.edit_config(worker_id(number), edit))

    def _introduce(self, agent_id: str, role: Literal["worker", "manager"], name: str) -> None:
        try:
            _insist(lambda: self._manager.register_agent(agent_id, role=role, name=name))
        except ApiError as error:
            if error.code != "agent_exists":
                raise

    def _order(self, number: int, name: str, deadline_s: float, **args: Any) -> None:
        key = self._key()
        _insist(
            lambda: self._manager.send_command(
                worker_id(number), name, args, deadline_s=deadline_s, idempotency_key=key
            )
        )

    def _key(self) -> str:
        return f"{self._run}-{next(self._keys)}"


def _insist(ask: Callable[[], Given]) -> Given:
    """Ask as long as the server is away: the fleet has nothing better to do."""
    while True:
        try:
            return ask()
        except ServerUnreachable:
            pass
        except ApiError as error:
            if error.status < 500 and error.status != 429:
                raise
        time.sleep(ASK_AGAIN_S)
