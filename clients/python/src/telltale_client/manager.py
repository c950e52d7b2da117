"""The public face for managers: tasks, configurations, commands and agents, over REST."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, Unpack

from telltale_client.errors import NotFound, StaleVersion
from telltale_client.frames import Config
from telltale_client.resources import AgentInfo, SentCommand, Task, TaskChanges, TaskTree
from telltale_client.rest import Rest, in_path
from telltale_client.uuid7 import uuid7
from telltale_client.waiting import wait_for_end

PAGE = 1000
COMMAND_S = 300.0
MOST_EDITS = 20


class Manager:
    """Leads a fleet. May be used from any thread; holds no connection open.

    Every method asks the server, again and again where that helps, for ``timeout`` seconds at most,
    and may raise `ApiError` (the server refuses) or `ServerUnreachable`. What is asked for twice
    because an answer was lost is still done once.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 30.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """``url`` is the server's address, ``key`` an API key with the role manager or admin.

        Raises:
            ValueError: if an argument cannot be right.
        """
        self._rest = Rest(url, key, timeout, ssl_context)

    def create_task(
        self,
        title: str,
        agent_id: str,
        *,
        parent_id: str | None = None,
        input: Any = None,  # noqa: A002  the protocol's word
        deadline_at: datetime | str | None = None,
        created_by: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Create a task for an agent that is known. ``created_by`` is the agent that wants it done.

        With an ``idempotency_key`` of your own (1 to 255 characters) a script that is started
        again, within a day, gets the task that it made before.
        """
        fields = {
            "title": title,
            "agent_id": agent_id,
            "parent_id": parent_id,
            "input": input,
            "deadline_at": _as_text(deadline_at),
            "created_by": created_by,
        }
        return Task.of(self._post("/v1/tasks", _given(fields), idempotency_key))

    def task(self, task_id: str, *, at: datetime | str | None = None) -> Task:
        """A task as it is now, or as history had it at a moment."""
        query = {"at": _as_text(at)}
        return Task.of(self._rest.request("GET", _task(task_id), query=query))

    def tasks(
        self,
        *,
        state: str | None = None,
        agent_id: str | None = None,
        parent_id: str | None = None,
        created_by: str | None = None,
        text: str | None = None,
    ) -> Iterator[Task]:
        """Tasks, newest first, read page by page. ``state`` may be several, with commas between."""
        wanted = {"state": state, "agent_id": agent_id, "parent_id": parent_id}
        query = {**wanted, "created_by": created_by, "text": text}
        return (Task.of(shown) for shown in self._pages("/v1/tasks", query))

    def change_task(self, task: Task, **changes: Unpack[TaskChanges]) -> Task:
        """Change a task as it was read; returns it as it is then.

        Raises:
            StaleVersion: if somebody has changed it since; read it again and decide.
        """
        fields: dict[str, Any] = {**changes}
        if "deadline_at" in fields:
            fields["deadline_at"] = _as_text(fields["deadline_at"])
        try:
            shown = self._rest.request(
                "PATCH", _task(task.task_id), body=fields, headers=_for_version(task.version)
            )
        except StaleVersion as stale:
            now = self.task(task.task_id) if stale.unsure else task
            # The answer to an earlier try was lost, and that try is what has changed the task.
            if now.version == task.version + 1 and _has(now, changes):
                return now
            raise
        return Task.of(shown)

    def cancel_task(self, task_id: str, note: str | None = None) -> Task:
        """Cancel a task; one that is canceled stays so. Its agent is not told: see `order`."""
        path = f"{_task(task_id)}/cancel"
        return Task.of(self._rest.request("POST", path, body=_given({"note": note})))

    def task_tree(self, task_id: str) -> TaskTree:
        """A task with all that lies below it."""
        return TaskTree.of(self._rest.request("GET", f"{_task(task_id)}/tree"))

    def wait_for_task(self, task_id: str, timeout: float = 30.0) -> Task:
        """The task once it is completed, failed, canceled or rejected.

        Raises:
            Unfinished: if it is not after ``timeout`` seconds.
        """
        return wait_for_end(lambda: self.task(task_id), timeout)

    def config(self, agent_id: str) -> Config:
        """An agent's configuration: ``version`` (0 is none) and ``value``."""
        try:
            shown = self._rest.request("GET", _config(agent_id))
        except NotFound:
            return Config(0, None)
        return Config(shown["version"], shown["value"])

    def set_config(self, agent_id: str, value: Any, version: int, *, merge: bool = False) -> Config:
        """Write an agent's configuration, made from ``version`` (0 for the first).

        With ``merge``, what others wrote since is kept where this changes nothing, field by field;
        where both changed something this one wins, and what is lost is in the history.

        Raises:
            StaleVersion: if it has another version by now; `edit_config` begins again by itself.
        """
        try:
            shown = self._rest.request(
                "PUT",
                _config(agent_id),
                query={"merge": "lww" if merge else None},
                body=value,
                headers=_for_version(version),
            )
        except StaleVersion as stale:
            now = self.config(agent_id) if stale.unsure else Config(0, None)
            if now.version == version + 1 and now.value == value:
                return now
            raise
        return Config(shown["version"], shown["value"])

    def edit_config(self, agent_id: str, edit: Callable[[Any], Any]) -> Config:
        """Read, call ``edit`` with the value (None if there is none), write what it returns.

        If somebody else writes meanwhile it begins again with the new value, so no change is lost.

        Raises:
            StaleVersion: if others were faster twenty times.
        """
        for tries_left in reversed(range(MOST_EDITS)):
            known = self.config(agent_id)
            try:
                return self.set_config(agent_id, edit(known.value), known.version)
            except StaleVersion:
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def send_command(
        self,
        agent_id: str,
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        deadline_s: float = COMMAND_S,
        idempotency_key: str | None = None,
    ) -> SentCommand:
        """Give an agent a command; an agent that is away finds it when it comes back.

        What is not done after ``deadline_s`` seconds expires.
        """
        body = {"name": name, "args": dict(args or {}), "deadline_s": deadline_s}
        return SentCommand.of(self._post(f"{_agent(agent_id)}/commands", body, idempotency_key))

    def command(self, agent_id: str, command_id: str) -> SentCommand:
        """A command as it is now."""
        path = f"{_agent(agent_id)}/commands/{in_path(command_id)}"
        return SentCommand.of(self._rest.request("GET", path))

    def wait_for_command(self, command: SentCommand, timeout: float = 30.0) -> SentCommand:
        """The command once it is done, failed or expired.

        Raises:
            Unfinished: if it is not after ``timeout`` seconds.
        """
        return wait_for_end(lambda: self.command(command.agent_id, command.command_id), timeout)

    def order(
        self,
        agent_id: str,
        name: str,
        args: Mapping[str, Any] | None = None,
        *,
        timeout: float = 30.0,
    ) -> SentCommand:
        """Send a command and wait for its end: done, failed or expired.

        ``timeout`` is its deadline too, of at least a second: an agent that comes too late does not
        carry it out.

        Raises:
            Unfinished: if it has not come to its end by then.
        """
        sent = self.send_command(agent_id, name, args, deadline_s=max(1.0, timeout))
        return self.wait_for_command(sent, timeout)

    def register_agent(
        self,
        agent_id: str,
        *,
        role: Literal["worker", "manager"] = "worker",
        name: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> AgentInfo:
        """Make an agent known before its first word, so that it can be given tasks."""
        fields = {"agent_id": agent_id, "role": role, "name": name, "meta": meta}
        return AgentInfo.of(self._post("/v1/agents", _given(fields), None))

    def agent(self, agent_id: str) -> AgentInfo:
        """One agent as it is now."""
        return AgentInfo.of(self._rest.request("GET", _agent(agent_id)))

    def agents(
        self,
        *,
        status: str | None = None,
        liveness: str | None = None,
        role: str | None = None,
        text: str | None = None,
    ) -> Iterator[AgentInfo]:
        """Agents by id, read page by page. ``liveness`` and ``status`` may be several."""
        query = {"status": status, "liveness": liveness, "role": role, "text": text}
        return (AgentInfo.of(shown) for shown in self._pages("/v1/agents", query))

    def _post(self, path: str, body: object, key: str | None) -> Any:
        # The key is made before the first try: the server does what comes twice with it once.
        headers = {"Idempotency-Key": uuid7() if key is None else key}
        return self._rest.request("POST", path, body=body, headers=headers)

    def _pages(self, path: str, query: Mapping[str, object]) -> Iterator[Mapping[str, Any]]:
        cursor = None
        while True:
            page = self._rest.request("GET", path, query={**query, "limit": PAGE, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return


def _task(task_id: str) -> str:
    return f"/v1/tasks/{in_path(task_id)}"


def _agent(agent_id: str) -> str:
    return f"/v1/agents/{in_path(agent_id)}"


def _config(agent_id: str) -> str:
    return f"{_agent(agent_id)}/config"


def _for_version(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'} if version else {"If-None-Match": "*"}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _as_text(moment: datetime | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, datetime) else moment


def _has(task: Task, changes: TaskChanges) -> bool:
    return all(
        getattr(task, name) == value for name, value in changes.items() if name != "deadline_at"
    )
