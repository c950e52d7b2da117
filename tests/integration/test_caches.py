"""The caches: quick answers that are true, in every process, and counted (§6, /metrics)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.figures import Figures, scrape_until
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

PATH = "/v1/agents/w/config"


@pytest.fixture
def here(tenant: Tenant) -> Rest:
    """A manager in a project that has the agent w, at one web process."""
    tenant.sender.send(event(agent_id="w"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


@pytest.fixture
def there(tenant: Tenant, second_url: str) -> Rest:
    """The same manager at another one."""
    return Rest(second_url, tenant.keys[Role.MANAGER])


def version(rest: Rest) -> int:
    found: int = rest.get(PATH).ok()["version"]
    return found


def test_a_change_is_read_at_once_where_it_was_made_and_soon_everywhere(
    here: Rest, there: Rest
) -> None:
    there.get(PATH).problem(404, "not_found")
    for number in range(1, 6):
        here.put(PATH, {"speed": number}, number - 1 or None, first=number == 1).ok()
        assert version(here) == number
        wait_until(
            lambda number=number: there.get(PATH).json.get("version") == number,  # type: ignore[misc]
            timeout_s=2,
            what=lambda: f"the other process says {there.get(PATH).body!r}",
        )


def test_a_change_in_psql_is_read_everywhere(
    here: Rest, there: Rest, tenant: Tenant, engine: Engine
) -> None:
    here.put(PATH, {"speed": 1}, first=True).ok()
    assert {version(here), version(there)} == {1}
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE agent_configs SET value = '{\"speed\": 2}' WHERE project_id = :project"),
            {"project": tenant.project_id},
        )
    for rest in (here, there):
        wait_until(
            lambda rest=rest: version(rest) == 2,  # type: ignore[misc]
            timeout_s=4,
            what=lambda: "a process answers from before the change",
        )


def test_a_revoked_key_is_refused_at_once_where_it_was_revoked(
    tenant: Tenant, second_url: str
) -> None:
    admin = Rest(tenant.url, tenant.keys[Role.ADMIN])
    made = admin.post("/v1/api-keys", {"name": "short-lived", "role": "viewer"}).ok(201)
    here, there = Rest(tenant.url, made["key"]), Rest(second_url, made["key"])
    here.get("/v1/agents").ok()
    there.get("/v1/agents").ok()
    admin.request("DELETE", f"/v1/api-keys/{made['key_id']}").ok(204)
    here.get("/v1/agents").problem(401, "unauthenticated")
    wait_until(
        lambda: there.get("/v1/agents").status == 401,
        timeout_s=4,
        what=lambda: "the other process honours a revoked key",
    )


def test_another_secret_does_not_open_what_is_cached(here: Rest, tenant: Tenant) -> None:
    here.get("/v1/agents").ok()
    key = tenant.keys[Role.MANAGER]
    forged = f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}"
    Rest(tenant.url, forged).get("/v1/agents").problem(401, "unauthenticated")


def test_look_ups_are_counted_by_what_answered(here: Rest) -> None:
    def answered(figures: Figures, cache: str, by: str) -> float:
        return figures.sum("telltale_cache_lookups_total", cache=cache, answered_by=by)

    before = Figures(here.url)
    here.put(PATH, {"speed": 1}, first=True).ok()

    def counted(now: Figures) -> bool:
        # On a slow machine an answer may grow old between two reads.
        for _ in range(10):
            version(here)
        return all(
            answered(now, cache, by) >= answered(before, cache, by) + least
            for cache, by, least in (
                ("configurations", "process", 10),
                ("configurations", "postgres", 1),
                ("api_keys", "process", 10),
            )
        )

    scrape_until(here.url, counted)
