"""Fixtures of the end-to-end tests: a stack of their own, a browser, people in projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright
from sqlalchemy import Engine

from app.access import passwords
from app.core.database import create_database
from app.domain.access import Role
from app.settings import Settings
from app.storage import people
from launcher.command import ROOT
from launcher.stack import Stack
from tests.e2e.dashboard_page import PATIENCE_MS, DashboardPage
from tests.integration import tenants
from tests.integration.tenants import Tenant

BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
PASSWORD = "correct horse battery staple"
STALE_AFTER_S, LOST_AFTER_S = 7, 12

Visit = Callable[..., DashboardPage]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may look at a project in which nothing has happened yet."""

    email: str
    password: str
    tenant: Tenant


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of which a test may kill and start the web processes. Agents are soon missed."""
    assert (ROOT / "dashboard" / "dist" / "index.html").exists(), (
        "The dashboard is not built: run script/test, or npm run build in dashboard/."
    )
    env = {
        "STALE_AFTER_S": str(STALE_AFTER_S),
        "LOST_AFTER_S": str(LOST_AFTER_S),
        "PING_INTERVAL_S": "1",
    }
    data = tmp_path_factory.mktemp("house")
    with Stack(data, restart=False, durable=False, webs=2, env=env) as stack:
        yield stack


@pytest.fixture(scope="session")
def house_engine(house: Stack) -> Iterator[Engine]:
    """The stack's database, for making projects and people."""
    url = Settings.from_env(house.env).database_url
    engine = create_database(url, pool_size=2, name="tests")
    yield engine
    engine.dispose()


@pytest.fixture
def person(house: Stack, house_engine: Engine) -> Person:
    """Somebody new, in a project of their own."""
    tenant = tenants.create(house_engine, house.url)
    email = f"{tenant.project_id.hex}@example.org"
    with house_engine.begin() as connection:
        project = people.project_named(connection, tenant.name)
        assert project is not None
        hashed = passwords.hash_password(PASSWORD)
        people.ensure_member(connection, project, email, hashed, Role.OPERATOR)
    return Person(email, PASSWORD, tenant)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium. What a page should show is waited for as long as the page waits."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, house: Stack) -> Iterator[Visit]:
    """Opens a page in a browser profile of its own; signs ``person`` in if one is given."""
    contexts = []

    def open_page(
        path: str = "/",
        *,
        person: Person | None = None,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
    ) -> DashboardPage:
        context = browser.new_context(
            viewport=ViewportSize(width=width, height=height),
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        contexts.append(context)
        opened = DashboardPage.open(context, house.url, path)
        if person is not None:
            opened.sign_in(person.email, person.password)
            opened.wait_until_live()
        return opened

    yield open_page
    for context in contexts:
        context.close()
