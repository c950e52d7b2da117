"""``/docs`` in a browser: readable at every width, and made of nothing but what we serve."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from launcher.command import ROOT
from launcher.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

ARTIFACTS = ROOT / "tests" / "artifacts"
SIZES = {1440: 900, 1024: 768, 390: 844}


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (1024, True), (390, False)])
def test_the_page_is_all_ours_and_fits(
    house: Stack, browser: Browser, width: int, dark: bool
) -> None:
    asked: list[str] = []
    complaints: list[str] = []
    size = ViewportSize(width=width, height=SIZES[width])
    with browser.new_context(viewport=size, color_scheme="dark" if dark else "light") as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{house.url}/docs")
        operation = page.locator("#operations-tasks-create_task")
        operation.locator(".opblock-summary-control").click()
        expect(operation.get_by_text("Read the news")).to_be_visible()
        expect(operation.get_by_text("What is there does not allow this")).to_be_visible()
        ARTIFACTS.mkdir(exist_ok=True)
        operation.evaluate("element => element.scrollIntoView()")
        page.screenshot(path=ARTIFACTS / f"docs-{width}{'-dark' if dark else ''}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        is_dark = page.evaluate("document.documentElement.classList.contains('dark-mode')")
        assert is_dark is dark
    assert [url for url in asked if not url.startswith((f"{house.url}/", "data:"))] == []
    assert complaints == []
