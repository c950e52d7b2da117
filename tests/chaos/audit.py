"""The audit: what agents and dashboards were told, held against PostgreSQL and the REST API."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import psycopg
from redis import Redis

from launcher.errors import PartFailed
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos import projections
from tests.chaos.changes_audit import ChangesAudit
from tests.chaos.diary import Diary
from tests.chaos.load import Load
from tests.chaos.watching import Place, Watcher

SHOWN_S = 30.0
BOOKS_S = 20.0
NAMED_AT_MOST = 8

ROWS = """
SELECT event_id, agent_id, partition, "offset", (data->>'n')::int FROM events
ORDER BY partition, "offset"
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A row, as far as the audit looks at it."""

    id: str
    agent_id: str
    partition: int
    offset: int
    number: int | None
    """Of an agent's own events."""


class Audit:
    """Finds what was lost, doubled, reordered or miscounted. Needs a load that has settled."""

    def __init__(self, stack: Stack, load: Load) -> None:
        self._stack = stack
        self._load = load
        self.findings: list[str] = []

    def run(self) -> list[str]:
        """Everything that is wrong, in sentences; nothing is as it should be."""
        with psycopg.connect(self._stack.database_url) as connection:
            rows = [Stored(*row) for row in connection.execute(ROWS)]
            self._places(rows, connection)
            self._counters(rows, connection)
            load = self._load
            ChangesAudit(connection, load.managers, load.commanded, self._find).run()
        by_agent: dict[str, list[Stored]] = defaultdict(list)
        for row in rows:
            by_agent[row.agent_id].append(row)
        for diary in self._load.diaries:
            self._agent(diary, by_agent[diary.agent_id])
        self._api(by_agent)
        for watcher in self._load.watchers:
            self._watcher(watcher, rows)
        self._books(len(rows))
        self.findings += projections.differences(self._stack)
        return self.findings

    def _find(self, what: str, items: list[Any] | None = None) -> None:
        shown = "" if items is None else f" {len(items)}: {items[:NAMED_AT_MOST]}"
        self.findings.append(f"{what}{shown}")

    def _places(self, rows: list[Stored], connection: psycopg.Connection[Any]) -> None:
        doubled = [name for name, count in Counter(row.id for row in rows).items() if count > 1]
        if doubled:
            self._find("stored more than once", doubled)
        offsets: dict[int, list[int]] = defaultdict(list)
        for row in rows:
            offsets[row.partition].append(row.offset)
        heads = connection.execute("SELECT partition, head FROM partitions").fetchall()
        for partition, head in heads:
            if offsets[partition] != list(range(1, head + 1)):
                self._find(f"offsets of partition {partition} are not 1..{head}")

    def _counters(self, rows: list[Stored], connection: psycopg.Connection[Any]) -> None:
        counted = Counter(row.agent_id for row in rows)
        for agent_id, events in connection.execute("SELECT agent_id, events FROM agents"):
            if counted[agent_id] != events:
                self._find(f"{agent_id} has {counted[agent_id]} rows, its counter says {events}")

    def _agent(self, diary: Diary, rows: list[Stored]) -> None:
        made = diary.snapshot()
        there = {row.id for row in rows}
        if lost := [m.number for m in made if m.stored_at and not m.bad and m.id not in there]:
            self._find(f"{diary.agent_id}: LOST after it was acknowledged as stored", lost)
        if absent := [m.number for m in made if not m.bad and m.id not in there]:
            self._find(f"{diary.agent_id}: never stored", absent)
        if unsaid := [m.number for m in made if not m.stored_at and m.id in there]:
            self._find(f"{diary.agent_id}: stored and never acknowledged", unsaid)
        if bad := [m.number for m in made if m.bad and m.id in there]:
            self._find(f"{diary.agent_id}: stored although it is bad", bad)
        order = {m.id: m.number for m in made}
        numbers = [order.get(row.id, 0) for row in rows]
        if wrong := [b for a, b in pairwise(numbers) if b <= a]:
            self._find(f"{diary.agent_id}: REORDERED", wrong)
        if any(order.get(row.id) != row.number for row in rows):
            self._find(f"{diary.agent_id}: the data of an event is another's")

    def _api(self, by_agent: dict[str, list[Stored]]) -> None:
        for number, (agent_id, rows) in enumerate(sorted(by_agent.items())):
            url = self._stack.urls[number % len(self._stack.urls)]
            if self._read_all(url, agent_id) != [row.id for row in rows]:
                self._find(f"GET /v1/events?agent_id={agent_id} tells another story")

    def _read_all(self, url: str, agent_id: str) -> list[str]:
        found: list[str] = []
        query = {"agent_id": agent_id, "order": "asc", "limit": "1000"}
        while True:
            page = self._get(url, f"/v1/events?{urlencode(query)}")
            found += (item["id"] for item in page["items"])
            if not page["next"] or not page["items"]:
                return found
            query["cursor"] = page["next"]

    def _watcher(self, watcher: Watcher, rows: list[Stored]) -> None:
        start = watcher.start_cursor
        if start is None:
            self._find(f"{watcher.name} never began")
            return
        expected = {
            (row.partition, row.offset, row.id)
            for row in rows
            if row.offset > start.offsets[row.partition]
            and (watcher.wants is None or watcher.wants({"agent_id": row.agent_id}))
        }

        def missing() -> set[Place]:
            return expected - set(watcher.shown)

        try:
            wait_until(lambda: not missing(), timeout_s=SHOWN_S, what=lambda: "")
        except PartFailed:
            self._find(f"{watcher.name}: NOT SHOWN", sorted(missing()))
        shown = list(watcher.shown)
        if doubled := [place for place, count in Counter(shown).items() if count > 1]:
            self._find(f"{watcher.name}: shown more than once", doubled)
        if strange := sorted(set(shown) - expected):
            self._find(f"{watcher.name}: shown, and not there", strange)
        last: dict[int, int] = {}
        for partition, offset, _ in shown:
            if offset <= last.get(partition, 0):
                self._find(f"{watcher.name}: out of order at {partition}/{offset}")
                break
            last[partition] = offset

    def _books(self, stored: int) -> None:
        for url in self._stack.urls:
            ledger: dict[str, Any] = {}

            def settled(url: str = url, ledger: dict[str, Any] = ledger) -> bool:
                ledger.update(self._get(url, "/v1/ledger"))
                return bool(ledger["balanced"]) and ledger["queued"] == 0

            try:
                wait_until(settled, timeout_s=BOOKS_S, what=lambda: "")
            except PartFailed:
                self._find(f"the books do not balance: {json.dumps(ledger)}")
            if ledger["stored"] != stored or ledger["dead"]:
                self._find(f"{stored} rows, and the books say {json.dumps(ledger)}")
        with psycopg.connect(self._stack.database_url) as connection:
            letters = connection.execute("SELECT error FROM dead_letters").fetchall()
            if letters:
                self._find("dead letters", letters)
        with Redis.from_url(self._stack.redis_url) as redis:
            if poison := list(redis.scan_iter("telltale:jobs:*.XQ*")):
                self._find("dead jobs", poison)

    def _get(self, url: str, path: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._stack.admin_key}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}{path}", headers=headers), timeout=15
        ) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
