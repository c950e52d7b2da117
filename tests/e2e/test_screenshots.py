"""Pictures of the page for people to judge, and what a machine can judge of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import expect

from app.core.identifiers import uuid7
from launcher.command import ROOT
from launcher.stack import Stack
from tests.chaos.diary import Complaints
from tests.chaos.socket_agent import SocketAgent
from tests.e2e.conftest import Person, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

ARTIFACTS = ROOT / "tests" / "artifacts"
SIZES = {1440: 900, 1024: 768, 390: 844}
AGENTS = ("planner", *(f"reader-{number}" for number in range(1, 9)))
SNAPSHOT_EVENTS = 200
STATUSES = ("planning", "reading", "thinking", "waiting")


@pytest.fixture
def artifacts() -> Path:
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS


@pytest.fixture
def busy(house: Stack, person: Person) -> Iterator[Person]:
    """A project in which things happen: agents that are there, and a few hundred events."""
    key, nobody = person.tenant.agent, Complaints()
    agents = [
        SocketAgent(agent_id, [house.url], key, Random(agent_id), nobody, rate=1)
        for agent_id in AGENTS
    ]
    for agent in agents:
        agent.resting.set()
        agent.start()
    try:
        person.tenant.sender.send(*(_event(number) for number in range(300)))
        yield person
    finally:
        for agent in agents:
            agent.end()
            agent.join()


def _event(number: int) -> dict[str, object]:
    agent_id = AGENTS[number % len(AGENTS)]
    kinds: tuple[tuple[str, dict[str, object]], ...] = (
        ("agent.status", {"status": STATUSES[number % 4], "note": f"module {number}"}),
        ("tool.called", {"tool": "search", "query": "how a log is cut", "duration_ms": number}),
        ("agent.metric", {"cpu_pct": number % 90, "memory_bytes": 40_000_000 + number * 4096}),
        ("agent.log", {"message": f"read {number} of 300 files, and the next one is longer"}),
    )
    kind, data = kinds[number // len(AGENTS) % 4]
    return {
        "id": str(uuid7()),
        "type": kind,
        "agent_id": agent_id,
        "task_id": f"task-{number // 40}",
        "severity": ("info", "info", "warning", "debug", "error")[number % 5],
        "data": data,
    }


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_empty(visit: Visit, person: Person, artifacts: Path, width: int, dark: bool) -> None:
    page = visit(person=person, width=width, height=SIZES[width], dark=dark)
    expect(page.page.get_by_role("heading", name="No agent has reported yet")).to_be_visible()
    page.page.screenshot(path=artifacts / f"empty-{width}-{'dark' if dark else 'light'}.png")
    fits(page.page.evaluate("[document.documentElement.scrollWidth, innerWidth]"))
    assert page.errors == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_full(visit: Visit, busy: Person, artifacts: Path, width: int, dark: bool) -> None:
    page = visit(person=busy, width=width, height=SIZES[width], dark=dark)
    name = f"{width}-{'dark' if dark else 'light'}.png"
    expect(page.agent("planner")).to_contain_text("online")
    fits(page.page.evaluate("[document.documentElement.scrollWidth, innerWidth]"))
    if width < 600:
        page.page.screenshot(path=artifacts / f"full-fleet-{name}")
        page.page.get_by_role("button", name="Live tail").click()
    # The tail is followed: its newest row is in sight.
    expect(page.numbered(SNAPSHOT_EVENTS)).to_be_in_viewport(ratio=0.9)
    page.page.screenshot(path=artifacts / f"full-{name}")
    fits(page.page.evaluate("[document.documentElement.scrollWidth, innerWidth]"))
    assert page.errors == []


def fits(widths: list[int]) -> None:
    """Nothing sticks out of the page to the side."""
    content, window = widths
    assert content <= window
