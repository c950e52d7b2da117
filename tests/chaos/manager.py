"""A manager by REST: asks for each change, with a key of its own, until it is acknowledged."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.diary import Complaints
from tests.chaos.request import Answer, ask

PATIENT_WITH = {http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE}
KEY_IN_USE = "idempotency_key_in_use"
LONG_S = 600
SHORT_S = (1.0, 2.5)
"""Deadlines of commands: those with a long one must be carried out, the others may expire."""

SHORT_SHARE = 0.2
AGAIN_SHARE = 0.2
"""Of the acknowledged requests so many are sent once more, and must get the same answer."""


@dataclass(slots=True)
class Acknowledged:
    """What the server has said that it did."""

    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id, as they were answered."""
    tasks: dict[str, int] = field(default_factory=dict)
    """The version of each task that the manager has made or changed last."""
    configs: int = 0
    """Each configuration holds its number, from 1."""


class Manager(threading.Thread):
    """Orders ``agent_ids`` about, and now and then one who is ``absent`` and will not hear of it;
    alone configures the agent ``configured``.
    """

    def __init__(
        self,
        name: str,
        agent_ids: list[str],
        absent: str,
        configured: str,
        urls: list[str],
        key: str,
        random: Random,
        complaints: Complaints,
        *,
        rate: float,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.acknowledged = Acknowledged()
        self.configured = configured
        self.latest_acknowledged = 0.0
        """When the youngest of the acknowledged changes was first asked for."""
        self.resting = threading.Event()
        """Set: nothing new is asked for."""
        self.tries: deque[str] = deque(maxlen=5)
        """What came of the last requests, for the report on who was late."""
        self._agent_ids, self._absent = agent_ids, absent
        self._urls, self._key, self._random, self._rate = urls, key, random, rate
        self._complaints = complaints
        self._ended = threading.Event()
        self._busy = False
        self._number = 0
        self._config_version = 0

    def settled(self) -> bool:
        """Whether everything that was asked for is acknowledged."""
        return not self._busy

    def end(self) -> None:
        """Leave for good."""
        self._ended.set()

    def run(self) -> None:
        kinds = (self._order, self._order, self._order, self._task, self._configure)
        while not self._ended.is_set():
            if self.resting.is_set():
                self._ended.wait(0.05)
                continue
            self._busy = True
            if not self.resting.is_set():
                self._random.choice(kinds)()
            self._busy = False
            self._ended.wait(self._random.expovariate(self._rate))

    def _order(self, **args: Any) -> None:
        short = not args and self._random.random() < SHORT_SHARE
        command = {
            "name": "work",
            "args": {"n": self._number, **args},
            "deadline_s": self._random.uniform(*SHORT_S) if short else LONG_S,
        }
        agent_id = self._random.choice(
            [*self._agent_ids, self._absent] if short else self._agent_ids
        )
        path = f"/v1/agents/{agent_id}/commands"
        answer = self._create(path, command)
        if answer is not None:
            self.acknowledged.commands[answer["command_id"]] = {**answer, "short": short}

    def _task(self) -> None:
        agent_id = self._random.choice(self._agent_ids)
        made = self._create("/v1/tasks", {"title": f"{self.name}", "agent_id": agent_id})
        if made is None:
            return
        task_id = made["task_id"]
        self.acknowledged.tasks[task_id] = 1
        what = self._random.choice(("report", "change", "cancel", "leave"))
        if what == "report":
            self._order(task_id=task_id)
        elif what == "cancel" and self._create(f"/v1/tasks/{task_id}/cancel", {}, 200) is not None:
            self.acknowledged.tasks[task_id] = 2
        elif what == "change":
            title = f"{self.name} {self._number}"
            if self._change("PATCH", f"/v1/tasks/{task_id}", 1, {"title": title}) is not None:
                self.acknowledged.tasks[task_id] = 2

    def _configure(self) -> None:
        number = self.acknowledged.configs + 1
        path = f"/v1/agents/{self.configured}/config"
        version = self._change("PUT", path, self._config_version, {"n": number})
        if version is not None:
            self.acknowledged.configs, self._config_version = number, version

    def _create(self, path: str, body: dict[str, Any], status: int = 201) -> Any:
        """POST with a key; the answer, or None if nobody waits for it any more."""
        self._number += 1
        given, key = json.dumps(body).encode(), f"{self.name}-{self._number}"

        def post() -> Answer:
            return self._ask("POST", path, given, Idempotency_Key=key)

        answer = self._persist(post)
        if answer is None:
            return None
        if answer.status != status:
            self._complain(f"{path} was refused: {answer.status} {answer.body}")
            return None
        if self._random.random() < AGAIN_SHARE:
            again = self._persist(post)
            if again is not None and (again.status, again.body) != (status, answer.body):
                self._complain(f"{path} got {answer.body}, and then {again.status} {again.body}")
        return answer.body

    def _change(self, method: str, path: str, version: int, body: dict[str, Any]) -> int | None:
        """PUT or PATCH what only this manager changes; the new version, or None.

        A refusal as stale can only mean that an earlier try was done and its answer lost.
        """
        given = json.dumps(body).encode()
        match = {"If_Match": f'"{version}"'} if version else {"If_None_Match": "*"}
        answer = self._persist(lambda: self._ask(method, path, given, **match))
        if answer is None:
            return None
        if answer.status in {http.client.PRECONDITION_FAILED, http.client.CONFLICT}:
            answer = self._persist(lambda: self._ask("GET", path))
            if answer is None:
                return None
        found = answer.body.get("value", answer.body) if isinstance(answer.body, dict) else {}
        if not body.items() <= found.items() or answer.body.get("version") != version + 1:
            self._complain(f"{path}: {body} became {answer.status} {answer.body}")
            return None
        return version + 1

    def _persist(self, request: Callable[[], Answer]) -> Answer | None:
        """Ask until there is a final answer; None if the manager has left."""
        began = time.monotonic()
        while not self._ended.is_set():
            tried = time.monotonic()
            try:
                answer = request()
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.tries.append(f"{type(error).__name__} after {time.monotonic() - tried:.1f} s")
                self._ended.wait(self._random.uniform(0.02, 0.3))
                continue
            self.tries.append(f"{answer.status} after {time.monotonic() - tried:.1f} s")
            in_use = answer.status == http.client.CONFLICT and answer.body["code"] == KEY_IN_USE
            if not in_use and answer.status not in PATIENT_WITH:
                self.latest_acknowledged = max(self.latest_acknowledged, began)
                return answer
            self._ended.wait(float(answer.headers.get("Retry-After", "0")))
        return None

    def _ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        return ask(self._random.choice(self._urls), method, path, self._key, body, **headers)

    def _complain(self, what: str) -> None:
        self._complaints.add(self.name, what)
