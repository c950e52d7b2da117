"""The steady load: agents on sockets and by REST, those who order them about, and dashboards."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from http.client import CREATED
from random import Random

import psycopg

from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos import changes_audit
from tests.chaos.commanded import CommandedAgent
from tests.chaos.dashboards import (
    AgentDashboard,
    HttpWatcher,
    Poller,
    SocketDashboard,
    StreamReader,
)
from tests.chaos.diary import Complaints, Diary
from tests.chaos.manager import Manager
from tests.chaos.request import ask
from tests.chaos.rest_agent import RestAgent
from tests.chaos.socket_agent import SocketAgent
from tests.chaos.watching import Watcher

SOCKET_AGENTS = 6
SOCKET_RATE = 8.0
REST_RATE = 3.0
COMMANDED = ("worker-1", "worker-2", "worker-3")
MORTAL = "worker-4"
ABSENT = "worker-5"
MANAGER_RATE = 5.0
BEGIN_S = 30.0
SETTLE_S = 60.0
END_S = 20.0

SETTINGS = {
    "PING_INTERVAL_S": "1",
    "RATE_LIMIT_EVENTS_PER_S": "400",
    "RATE_LIMIT_BURST": "400",
}
"""Short intervals, so that the dead are noticed soon, and limits that a flood reaches."""


class Load:
    """Everybody who talks to the stack; each takes its chances from the seed."""

    def __init__(self, stack: Stack, seed: int, complaints: Complaints) -> None:
        def chance(name: str) -> Random:
            return Random(f"{seed} {name}")

        urls, key = stack.urls, stack.admin_key
        self._url, self._key, self._database_url = stack.url, key, stack.database_url
        self.agents = [
            SocketAgent(name, urls, key, chance(name), complaints, rate=SOCKET_RATE)
            for name in (f"socket-{number}" for number in range(1, SOCKET_AGENTS + 1))
        ]
        self.rest = [
            RestAgent(names, urls, key, chance(names[0]), complaints, rate=REST_RATE)
            for names in (["rest-1"], ["rest-2"], ["rest-3", "rest-4", "rest-5"])
        ]
        self.commanded = [
            CommandedAgent(name, urls[n % len(urls)], key, chance(name), mortal=name == MORTAL)
            for n, name in enumerate((*COMMANDED, MORTAL))
        ]
        self.managers = [
            Manager(
                f"manager-{number}",
                [*COMMANDED, MORTAL],
                ABSENT,
                f"worker-{number}",
                urls,
                key,
                chance(f"manager-{number}"),
                complaints,
                rate=MANAGER_RATE,
            )
            for number in (1, 2)
        ]
        self.sockets = [
            SocketDashboard(name, urls, key, chance(name), complaints)
            for name in ("dashboard-1", "dashboard-2")
        ]
        self.filtered = AgentDashboard("dashboard-3", urls, key, chance("dashboard-3"), complaints)
        self.filtered.watch(["socket-1", "rest-1", "rest-4"])
        self.readers: list[HttpWatcher] = [
            Poller("poller", urls, key, chance("poller"), complaints),
            StreamReader("stream", urls, key, chance("stream"), complaints),
        ]

    @property
    def diaries(self) -> list[Diary]:
        """What all agents have written down."""
        return [
            *(agent.diary for agent in self.agents),
            *(diary for agent in self.rest for diary in agent.diaries),
        ]

    @property
    def _makers(self) -> list[SocketAgent | RestAgent | Manager | CommandedAgent]:
        return [*self.agents, *self.rest, *self.managers, *self.commanded]

    @property
    def watchers(self) -> list[Watcher]:
        """Everybody who looks."""
        return [*self.sockets, self.filtered, *self.readers]

    def begin(self) -> None:
        """Start everybody; returns when events are stored and shown."""
        started = time.monotonic()
        for watcher in (*self.sockets, self.filtered):
            watcher.start()
        first = self.sockets[0]
        wait_until(
            lambda: first.cursor is not None, timeout_s=BEGIN_S, what=lambda: "no first snapshot"
        )
        for reader in self.readers:
            assert first.start_cursor is not None
            reader.begin(str(first.start_cursor))
            reader.start()
        for name in (*COMMANDED, MORTAL, ABSENT):
            body = json.dumps({"agent_id": name}).encode()
            assert ask(self._url, "POST", "/v1/agents", self._key, body).status == CREATED
        for agent in self._makers:
            agent.start()
        wait_until(
            lambda: not self.waiting_since(started),
            timeout_s=BEGIN_S,
            what=lambda: f"the load does not begin: {self.waiting_since(started)}",
        )

    @property
    def changes(self) -> str:
        """What managers got done, in words."""
        done = [manager.acknowledged for manager in self.managers]
        counts = {
            "commands": sum(len(one.commands) for one in done),
            "carried out": sum(len(agent.effects) for agent in self.commanded),
            "lives of agents": sum(agent.lives for agent in self.commanded),
            "tasks": sum(len(one.tasks) for one in done),
            "configurations": sum(one.configs for one in done),
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items())

    def waiting_since(self, moment: float) -> list[str]:
        """Whose events made after this moment are not stored yet, or whose changes are not
        acknowledged, or who has not shown any.
        """
        return [
            *(diary.agent_id for diary in self.diaries if diary.latest_stored <= moment),
            *(one.name for one in self.managers if one.latest_acknowledged <= moment),
            *(watcher.name for watcher in self.watchers if watcher.latest_shown <= moment),
        ]

    def story(self, names: Sequence[str]) -> str:
        """What those who send by REST were last told, of the agents with these names."""
        told = {name: agent.tries for agent in self.rest for name in agent.agent_ids}
        told |= {manager.name: manager.tries for manager in self.managers}
        return "; ".join(f"{n}: {', '.join(told[n])}" for n in names if n in told)

    def rest_and_settle(self) -> list[str]:
        """Make no new events and wait for what is under way; returns who still waits."""
        for agent in self._makers:
            agent.resting.set()
        time.sleep(0.2)
        deadline = time.monotonic() + SETTLE_S
        while unsettled := self._unsettled():
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return unsettled

    def _unsettled(self) -> list[str]:
        """Who still waits. Agents come last: they have more to say as long as commands come."""
        if managers := [manager.name for manager in self.managers if not manager.settled()]:
            return managers
        with psycopg.connect(self._database_url) as connection:
            if waiting := changes_audit.waiting(connection):
                return [waiting]
        return [maker.name for maker in self._makers if not maker.settled()]

    def go_on(self) -> None:
        """Make events again."""
        for agent in self._makers:
            agent.resting.clear()

    def end(self) -> None:
        """Everybody leaves."""
        everybody: list[SocketAgent | RestAgent | Manager | CommandedAgent | Watcher] = [
            *self._makers,
            *self.watchers,
        ]
        for one in everybody:
            one.end()
        for one in everybody:
            if one.is_alive():
                one.join(END_S)
