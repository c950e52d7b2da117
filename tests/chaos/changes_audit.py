"""The audit of changes: commands, tasks and configurations, each done once and with its events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import psycopg

from tests.chaos.commanded import CommandedAgent
from tests.chaos.manager import Manager

FINAL = ("done", "failed", "expired")
RANK = {"queued": 0, "delivered": 1, "received": 2, **dict.fromkeys(FINAL, 3)}

COMMANDS = "SELECT command_id::text, agent_id, state, detail FROM commands"
STEPS = """
SELECT data->>'command_id', split_part(type, '.', 2) FROM events
WHERE type LIKE 'command.%' ORDER BY partition, "offset"
"""
TASKS = "SELECT task_id, version FROM tasks WHERE created_by IS NOT NULL"
TASK_STEPS = """
SELECT task_id, task_version, type FROM events WHERE task_version IS NOT NULL
ORDER BY task_id, task_version
"""
CONFIGS = "SELECT version, (value->>'n')::int FROM agent_config_history WHERE agent_id = %s"
CONFIG_STEPS = """
SELECT (data->>'version')::int FROM events
WHERE type = 'config.changed' AND agent_id = %s ORDER BY "offset"
"""
RECORDED = "SELECT resource, resource_id, action FROM audit_log"

Find = Callable[[str, list[Any]], None]


def waiting(connection: psycopg.Connection[Any]) -> str:
    """What is still under way, in words; nothing when all changes have come to their end."""
    unfinished = connection.execute(
        "SELECT agent_id, state, count(*) FROM commands WHERE finished_at IS NULL GROUP BY 1, 2"
    ).fetchall()
    outbox = connection.execute("SELECT count(*) FROM outbox").fetchone()
    assert outbox is not None
    return f"{unfinished} unfinished, {outbox[0]} in the outbox" if unfinished or outbox[0] else ""


class ChangesAudit:
    """Finds changes that were lost, done twice, or not told. Needs a load that has settled."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        managers: list[Manager],
        agents: list[CommandedAgent],
        find: Find,
    ) -> None:
        self._connection = connection
        self._managers = managers
        self._agents = agents
        self._find = find

    def run(self) -> None:
        """Tell ``find`` of everything that is wrong."""
        self._commands()
        self._tasks()
        for manager in self._managers:
            self._configs(manager)
        self._recorded()

    def _say(self, what: str, wrong: Iterator[Any]) -> None:
        found = list(wrong)
        if found:
            self._find(what, found)

    def _commands(self) -> None:
        acked = {
            k: v for manager in self._managers for k, v in manager.acknowledged.commands.items()
        }
        rows = {row[0]: row for row in self._connection.execute(COMMANDS)}
        self._say("commands: LOST after they were acknowledged", iter(acked.keys() - rows.keys()))
        self._say("commands: made twice for one key", iter(rows.keys() - acked.keys()))
        told: dict[str, list[str]] = defaultdict(list)
        for command_id, step in self._connection.execute(STEPS):
            told[command_id].append(step)
        self._say(
            "commands: whose events are not their history",
            ((row, told[name]) for name, row in rows.items() if not _legal(told[name], row[2])),
        )
        self._say("commands: events of none", iter(told.keys() - rows.keys()))
        effects = Counter[str]()
        for agent in self._agents:
            effects += agent.effects
        self._say("commands: CARRIED OUT MORE THAN ONCE", (k for k, n in effects.items() if n > 1))
        self._say(
            "commands: done, and never carried out",
            (row for name, row in rows.items() if row[2] == "done" and effects[name] != 1),
        )
        mortal = {agent.name for agent in self._agents if agent.mortal}
        self._say(
            "commands: that had all the time, and were not done",
            (
                row
                for name, row in rows.items()
                if row[2] != "done"
                and not acked.get(name, {"short": True})["short"]
                and not (row[1] in mortal and (row[2], row[3]) == ("failed", "agent_restarted"))
            ),
        )

    def _tasks(self) -> None:
        acked = {k: v for manager in self._managers for k, v in manager.acknowledged.tasks.items()}
        rows = dict(self._connection.execute(TASKS).fetchall())
        self._say("tasks: LOST after they were acknowledged", iter(acked.keys() - rows.keys()))
        self._say("tasks: made twice for one key", iter(rows.keys() - acked.keys()))
        self._say(
            "tasks: behind what was acknowledged",
            ((k, rows.get(k), version) for k, version in acked.items() if rows.get(k, 0) < version),
        )
        told: dict[str, list[Any]] = defaultdict(list)
        for task_id, version, step in self._connection.execute(TASK_STEPS):
            told[task_id].append((version, step))
        self._say(
            "tasks: whose events are not their versions",
            (
                (name, version, told[name])
                for name, version in rows.items()
                if [number for number, _ in told[name]] != list(range(1, version + 1))
                or [step for _, step in told[name]].count("task.created") != 1
            ),
        )

    def _configs(self, manager: Manager) -> None:
        agent_id, last = manager.configured, manager.acknowledged.configs
        written = sorted(self._connection.execute(CONFIGS, [agent_id]).fetchall())
        wanted = [(number, number) for number in range(1, last + 1)]
        if written != wanted:
            self._find(f"{agent_id}: {last} configurations became", [*set(written) ^ set(wanted)])
        told = [version for (version,) in self._connection.execute(CONFIG_STEPS, [agent_id])]
        if told != list(range(1, last + 1)):
            self._find(f"{agent_id}: {last} configurations were told as", told)
        has = next(agent.config for agent in self._agents if agent.name == agent_id)
        if has != last:
            self._find(f"{agent_id} has configuration {has}, not {last}", [])

    def _recorded(self) -> None:
        recorded = Counter(self._connection.execute(RECORDED).fetchall())
        wanted: Counter[tuple[str, str, str]] = Counter()
        for manager in self._managers:
            wanted.update(("command", name, "ordered") for name in manager.acknowledged.commands)
            wanted.update(("task", name, "created") for name in manager.acknowledged.tasks)
        kinds = {("command", "ordered"), ("task", "created")}
        found = Counter({k: n for k, n in recorded.items() if (k[0], k[2]) in kinds})
        self._say(
            "changes: not in the audit log exactly once", iter((found - wanted) | (wanted - found))
        )


def _legal(steps: list[str], state: str) -> bool:
    """Whether a command's events go forward from ``queued``, each once, to where it stands."""
    ranks = [RANK[step] for step in steps]
    return (
        steps[:1] == ["queued"] and steps[-1:] == [state] and all(a < b for a, b in pairwise(ranks))
    )
