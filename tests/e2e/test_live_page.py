"""The live page in a real browser: tail, fleet, filters, pause, an event laid open."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import expect

from app.core.identifiers import uuid7
from tests.chaos.wire import Socket
from tests.e2e.conftest import LOST_AFTER_S, Person, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

SOON_MS = 2_000
"""From stored to seen; most of it is the browser's, on a busy machine."""


def said(agent_id: str, message: str, **fields: Any) -> dict[str, Any]:
    event = {"type": "agent.log", "agent_id": agent_id, "data": {"message": message}}
    return {"id": str(uuid7()), **event, **fields}


def test_an_event_is_seen_as_soon_as_it_is_stored(visit: Visit, person: Person) -> None:
    page = visit(person=person)
    expect(page.page.get_by_role("heading", name="No agent has reported yet")).to_be_visible()
    sender = person.tenant.sender
    sender.send(said("worker-1", "the very first"))
    expect(page.row("the very first")).to_be_visible(timeout=SOON_MS)
    for number in range(20):
        sender.send(said("worker-1", f"step {number} of many"))
    expect(page.row("of many")).to_have_count(20, timeout=SOON_MS)
    assert [row.text.partition("step ")[2].split()[0] for row in page.all_rows()[1:]] == [
        str(number) for number in range(20)
    ]
    assert page.errors == []


def test_the_fleet_shows_what_agents_say_and_whether_they_live(
    visit: Visit, person: Person, house: Any
) -> None:
    page = visit(person=person)
    with Socket(house.url, "/ws/agent", person.tenant.agent) as agent:
        agent.hello("worker-7", incarnation=1)
        row = page.agent("worker-7")
        expect(row).to_contain_text("online")
        person.tenant.sender.send(
            {
                "type": "agent.status",
                "agent_id": "worker-7",
                "data": {"status": "reading", "note": "chapter 3"},
            }
        )
        expect(row).to_contain_text("reading")
        expect(row).to_contain_text("chapter 3")
    gone = time.monotonic()
    expect(row).to_contain_text("stale")
    expect(row).to_contain_text("lost")
    assert time.monotonic() - gone > LOST_AFTER_S - 1
    expect(page.page.get_by_title("Show only lost agents")).to_contain_text("1")


def test_filters(visit: Visit, person: Person) -> None:
    sender = person.tenant.sender
    sender.send(
        said("ann", "an apple", severity="error"),
        said("ann", "a pear"),
        said("bob", "an apple pie"),
        said("bob", "a plum", type="fruit.eaten", task_id="task-1"),
    )
    page = visit(person=person)
    expect(page.row("")).to_have_count(4)

    search = page.page.get_by_label("Search the tail")
    search.fill("apple")
    expect(page.row("")).to_have_count(2)
    sender.send(said("ann", "apple juice"), said("ann", "nothing of the kind"))
    expect(page.row("apple juice")).to_be_visible()
    expect(page.row("")).to_have_count(3)
    search.fill("")
    expect(page.row("")).to_have_count(6)

    page.page.get_by_label("Severity").select_option("error")
    expect(page.row("")).to_have_count(1)
    page.page.get_by_role("button", name="Clear", exact=True).click()

    page.page.get_by_role("button", name="Type", exact=True).click()
    page.page.get_by_label("Find types").fill("fruit.*")
    page.page.keyboard.press("Enter")
    page.page.keyboard.press("Escape")
    expect(page.row("")).to_have_count(1)
    expect(page.row("a plum")).to_be_visible()
    page.page.get_by_role("button", name="Clear", exact=True).click()

    page.agent("bob").click()
    expect(page.row("")).to_have_count(2)
    assert "bob" in page.page.url
    page.page.reload()
    expect(page.row("")).to_have_count(2)
    page.wait_until_live()
    search.fill("no such thing")
    expect(page.page.get_by_role("heading", name="No event matches")).to_be_visible()
    page.page.get_by_role("button", name="Clear the filter").click()
    expect(page.row("")).to_have_count(6)
    assert page.errors == []


def test_pause_holds_the_tail_still(visit: Visit, person: Person) -> None:
    sender = person.tenant.sender
    page = visit(person=person)
    sender.send(said("worker-1", "before"))
    expect(page.row("before")).to_be_visible()
    page.page.get_by_role("button", name="Pause").click()
    sender.send(*(said("worker-1", f"meanwhile {number}") for number in range(7)))
    expect(page.page.get_by_role("button", name="Resume")).to_contain_text("7 waiting")
    expect(page.row("meanwhile")).to_have_count(0)
    page.page.get_by_role("button", name="Resume").click()
    expect(page.row("meanwhile")).to_have_count(7)
    page.tail.focus()
    page.page.keyboard.press("Space")
    expect(page.page.get_by_role("button", name="Resume")).to_be_visible()


def test_an_event_laid_open(visit: Visit, person: Person) -> None:
    page = visit(person=person)
    event = said("worker-1", "look inside", task_id="task-9")
    person.tenant.sender.send(event)
    page.row("look inside").click()
    expect(page.tail).to_contain_text(event["id"])
    page.page.get_by_role("button", name="JSON", exact=True).click()
    expect(page.tail).to_contain_text('"task_id": "task-9"')
