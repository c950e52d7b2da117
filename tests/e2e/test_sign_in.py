"""The ways into the dashboard and out of it, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from launcher.stack import Stack
from tests.e2e.conftest import Person, Visit

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def test_the_printed_link_signs_in_once(house: Stack, visit: Visit) -> None:
    first = visit(house.prepared.sign_in_path)
    first.wait_until_live()
    assert "ticket" not in first.page.url
    expect(first.page.get_by_title("Sign out")).to_contain_text(house.prepared.admin_email)
    first.page.reload()
    first.wait_until_live()
    assert first.errors == []
    second = visit(house.prepared.sign_in_path)
    expect(second.page.get_by_role("alert")).to_contain_text("was used before")


def test_email_and_password(visit: Visit, person: Person) -> None:
    page = visit()
    page.sign_in(person.email, "a guess")
    expect(page.page.get_by_role("alert")).to_have_text("E-mail or password is wrong.")
    page.sign_in(person.email, person.password)
    page.wait_until_live()
    expect(page.page.get_by_title("Project")).to_have_text(person.tenant.name)


def test_signing_out(visit: Visit, person: Person) -> None:
    page = visit(person=person)
    page.page.get_by_role("button", name="Sign out").click()
    expect(page.page.get_by_label("Password")).to_be_visible()
    page.page.reload()
    expect(page.page.get_by_label("Password")).to_be_visible()
