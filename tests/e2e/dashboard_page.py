"""The dashboard as a person has it: signing in, the tail, the fleet, the connection."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

PATIENCE_MS = 30_000
ROWS = '[role="treegrid"] [role="row"][aria-level="1"]'
LIVE = re.compile(r"^Live$")
NOBODY = "401 (UNAUTHORIZED)"
"""The browser's own word when the page asks who is signed in, and nobody is."""


SCROLL_THROUGH = """async list => {
    const drawn = () => new Promise(
        done => requestAnimationFrame(() => requestAnimationFrame(done))
    );
    const seen = new Map();
    const end = () => list.scrollHeight - list.clientHeight;
    // The first step up holds the tail still.
    for (let top = 0; ; top += list.clientHeight / 2) {
        list.scrollTop = top;
        await drawn();
        for (const row of list.querySelectorAll('[role="row"][aria-level="1"]')) {
            const number = Number(row.getAttribute("aria-rowindex"));
            seen.set(number, [number, row.id.replace("event-", ""), row.innerText]);
        }
        if (top >= end()) break;
    }
    return [...seen.values()].sort((a, b) => a[0] - b[0]);
}"""
"""Only the rows in sight are drawn; each says its number."""


@dataclass(frozen=True, slots=True)
class TailRow:
    """A row of the tail.

    ``number`` is its place among all that came, and ``place`` its event's ``partition:offset``.
    """

    number: int
    place: str
    text: str


@dataclass(slots=True)
class DashboardPage:
    """One open page. ``errors`` is what it has complained about on the console."""

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, context: BrowserContext, url: str, path: str = "/") -> DashboardPage:
        """A new tab at an address of the server."""
        opened = cls(context.new_page(), url)
        opened.page.set_default_timeout(PATIENCE_MS)
        errors = opened.errors

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and NOBODY not in message.text:
                errors.append(message.text)

        opened.page.on("console", note)
        opened.page.on("pageerror", lambda error: errors.append(str(error)))
        opened.page.goto(f"{url}{path}")
        return opened

    def sign_in(self, email: str, password: str) -> None:
        """By e-mail and password."""
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    @property
    def connection(self) -> Locator:
        """The word for the connection's state, as it is read aloud."""
        return self.page.get_by_role("banner").get_by_role("status")

    def wait_until_live(self) -> None:
        """Wait until events are shown as they come."""
        expect(self.connection).to_have_text(LIVE)

    @property
    def fleet(self) -> Locator:
        """The agents' table."""
        return self.page.get_by_role("grid", name="Agents")

    def agent(self, agent_id: str) -> Locator:
        """An agent's row in the fleet."""
        return self.fleet.get_by_role("row").filter(has_text=agent_id)

    @property
    def tail(self) -> Locator:
        """The events' list."""
        return self.page.get_by_role("treegrid", name="Events, newest last")

    def row(self, text: str) -> Locator:
        """The rows of the tail that show this text."""
        return self.page.locator(ROWS).filter(has_text=text)

    def numbered(self, number: int) -> Locator:
        """The row of the tail that came as the ``number``-th, if it is drawn."""
        return self.page.locator(f'{ROWS}[aria-rowindex="{number}"]')

    def newest_number(self) -> int:
        """How many events the tail has shown so far; 0 if none."""
        numbers: list[int] = self.page.locator(ROWS).evaluate_all(
            "rows => rows.map(row => Number(row.getAttribute('aria-rowindex')))"
        )
        return max(numbers, default=0)

    def all_rows(self) -> list[TailRow]:
        """Every row of the tail from the oldest to the newest, found by scrolling through it."""
        found: list[tuple[int, str, str]] = self.tail.evaluate(SCROLL_THROUGH)
        return [TailRow(number, place, text) for number, place, text in found]
