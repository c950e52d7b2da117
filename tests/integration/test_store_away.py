"""While PostgreSQL does not answer: who is known goes on, who is not is told at once (§1)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from app.domain.access import Role
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.event_source import stream
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

FRESH_S = 5.0
LONGEST_S = 10.0


@pytest.fixture
def stalled(spare: Stack, spare_tenant: Tenant) -> Iterator[Tenant]:
    """PostgreSQL stands still; the tenant's keys were seen just before."""
    with (
        AgentSocket(spare.url, spare_tenant.agent) as agent,
        DashboardSocket(spare.url, spare_tenant.viewer) as viewer,
        stream(spare_tenant) as source,
    ):
        viewer.live()
        assert spare_tenant.sender.post("/v1/events", event()).status == 202
        _fill_the_pool(spare)
        spare.pause("postgres")
        try:
            yield spare_tenant
            # Nobody was sent away, and nobody lost anything.
            agent.events(1, event(agent.agent_id))
        finally:
            spare.resume("postgres")
        agent.until_stored(1)
        viewer.until_shown(4)
        assert len(source.events(4)) == 4


def test_who_is_known_goes_on_and_who_is_not_is_told(stalled: Tenant) -> None:
    # So long that what is known is no longer fresh, and that the watch has looked.
    time.sleep(FRESH_S + 2)
    started = time.monotonic()
    with AgentSocket(stalled.url, stalled.agent, "newcomer") as newcomer:
        assert newcomer.welcome["stored"] == 0
    assert time.monotonic() - started < LONGEST_S
    for longest in (LONGEST_S, 1.0):
        started = time.monotonic()
        assert stalled.sender.post("/v1/events", event()).status == 202
        assert time.monotonic() - started < longest
    started = time.monotonic()
    stranger = Rest(stalled.url, stalled.keys[Role.MANAGER])
    stranger.post("/v1/events", event()).problem(503, "unavailable")
    assert time.monotonic() - started < LONGEST_S


def _fill_the_pool(stack: Stack) -> None:
    """Have connections at hand that will not answer: a new one is known to be dead much sooner."""
    nobodies = [Rest(stack.url, f"tt_nobody_{uuid4().hex}") for _ in range(24)]
    with ThreadPoolExecutor(len(nobodies)) as pool:
        answers = list(pool.map(lambda nobody: nobody.get("/v1/auth/me"), nobodies))
    assert {answer.status for answer in answers} == {401}


def test_a_hello_that_postgres_did_not_hear_is_made_good(
    spare: Stack, spare_tenant: Tenant
) -> None:
    known = AgentSocket(spare.url, spare_tenant.agent)
    spare.pause("postgres")
    try:
        late = AgentSocket(
            spare.url, spare_tenant.agent, "late", role="manager", name="Late", meta={"rack": 4}
        )
    finally:
        spare.resume("postgres")
    reader = Rest(spare.url, spare_tenant.viewer)
    with known, late:
        # An event makes a row, but knows nothing of what the hello said.
        late.events(1, event("late"))
        late.until_stored(1)

        def has_its_name() -> bool:
            shown = reader.get("/v1/agents/late").json
            return [shown.get(field) for field in ("role", "name", "meta")] == [
                "manager",
                "Late",
                {"rack": 4},
            ]

        wait_until(has_its_name, timeout_s=LONGEST_S, what=lambda: "What the hello said is lost.")
