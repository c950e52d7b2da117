"""The web process is killed under an open page: it goes on, nothing missing or doubled."""

from __future__ import annotations

import re
import time
from collections import Counter
from random import Random
from typing import Any

import pytest
from playwright.sync_api import expect

from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos.diary import Complaints
from tests.chaos.socket_agent import SocketAgent
from tests.e2e.conftest import Person, Visit
from tests.e2e.dashboard_page import DashboardPage, TailRow
from tests.integration.rest import Rest

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

RATE = 6.0
KILLS = 2
AWAY_S = 2.0
PAGE = 1000
AGENTS = ("steady-1", "steady-2", "steady-3")


@pytest.fixture
def fleet(house: Stack, person: Person) -> list[SocketAgent]:
    """Agents on both web processes, which keep their events until they are stored."""
    complaints = Complaints()
    return [
        SocketAgent(name, house.urls, person.tenant.agent, Random(name), complaints, rate=RATE)
        for name in AGENTS
    ]


def test_nothing_is_missing_or_doubled(
    house: Stack, visit: Visit, person: Person, fleet: list[SocketAgent]
) -> None:
    page = visit(person=person)
    for agent in fleet:
        agent.start()
    try:
        expect(page.agent("steady-1")).to_contain_text("online")
        for _ in range(KILLS):
            kill_under(house, page)
        for agent in fleet:
            agent.resting.set()
        wait_until(
            lambda: all(agent.settled() for agent in fleet),
            timeout_s=30,
            what=lambda: "the agents' events are not stored",
        )
    finally:
        for agent in fleet:
            agent.end()
            agent.join()
    stored = [event for name in AGENTS for event in history(person.tenant.reader, name)]
    assert len(stored) > KILLS * AWAY_S * RATE
    newest = max(stored, key=lambda event: event["received_at"])
    expect(page.page.locator(f"[id='event-{place(newest)}']")).to_be_attached()
    rows = page.all_rows()
    assert [row.number for row in rows] == list(range(1, len(stored) + 1))
    assert Counter(row.place for row in rows) == Counter(map(place, stored))
    assert_in_order(rows)


def history(reader: Rest, agent_id: str) -> list[dict[str, Any]]:
    """All events of an agent, oldest first; on a slow machine they are more than a page."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"agent_id": agent_id, "order": "asc", "limit": PAGE, "cursor": cursor}
        page = reader.get("/v1/events", **query).ok()
        found += page["items"]
        if len(page["items"]) < PAGE:
            return found
        cursor = page["next"]


def kill_under(house: Stack, page: DashboardPage) -> None:
    """Kill the page's web process while the other goes on; the page says so, and comes back."""
    time.sleep(1)
    house.kill("web")
    expect(page.connection).to_have_text(re.compile("Reconnecting"))
    assert page.page.title().startswith("Not live")
    time.sleep(AWAY_S)
    house.start("web")
    page.wait_until_live()
    expect(page.page.get_by_label("Notices")).to_contain_text("Nothing is missing")


def place(event: dict[str, Any]) -> str:
    return f"{event['partition']}:{event['offset']}"


def assert_in_order(rows: list[TailRow]) -> None:
    """Each partition's events are shown in their order."""
    last: dict[str, int] = {}
    for row in rows:
        partition, _, offset = row.place.partition(":")
        assert int(offset) > last.get(partition, 0), row
        last[partition] = int(offset)
