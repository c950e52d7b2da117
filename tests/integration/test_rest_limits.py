"""``POST /v1/events``: an agent that sends too fast is told so, and it alone (§3)."""

from __future__ import annotations

import time

import pytest

from tests.integration.agent_socket import AgentSocket
from tests.integration.rest import Rest
from tests.integration.samples import agent_name, numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def test_an_empty_bucket_is_429_until_it_has_filled(tenant: Tenant, impatient_url: str) -> None:
    """Twenty events a second, and twenty at once."""
    sender = Rest(impatient_url, tenant.agent)
    name = agent_name()
    batch = numbered(60, name)
    sender.post("/v1/events", batch[:40]).ok(202)
    refused = sender.post("/v1/events", batch[40:])
    refused.problem(429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 3
    sender.post("/v1/events", numbered(20, agent_name())).ok(202)
    deadline = time.monotonic() + 20
    while (answer := sender.post("/v1/events", batch[40:])).status != 202:
        assert answer.status == 429
        assert time.monotonic() < deadline
        time.sleep(0.2)
    reader = tenant.reader
    while len(found := numbers(reader.events(agent_id=name, order="asc"))) < 60:
        assert time.monotonic() < deadline
    assert found == list(range(1, 61))


def test_of_a_mixed_body_only_the_hasty_agents_part_is_refused(
    tenant: Tenant, impatient_url: str
) -> None:
    sender = Rest(impatient_url, tenant.agent)
    hasty, calm = agent_name("hasty"), agent_name("calm")
    sender.post("/v1/events", numbered(60, hasty)).ok(202)
    mixed = [item for pair in zip(numbered(5, hasty), numbered(5, calm), strict=True)
             for item in pair]  # fmt: skip
    receipt = sender.post("/v1/events", mixed).ok(202)
    assert receipt["accepted"] == 5
    refused = receipt["rejected"]
    assert [(r["index"], r["code"]) for r in refused] == [
        (at, "rate_limited") for at in range(0, 10, 2)
    ]
    assert [r["id"] for r in refused] == [item["id"] for item in mixed[::2]]


def test_what_is_known_already_costs_nothing(tenant: Tenant, impatient_url: str) -> None:
    """Whoever sends again after a lost answer is not punished for it: not on the socket."""
    batch = numbered(20, None)
    with AgentSocket(impatient_url, tenant.agent) as agent:
        agent.events(1, *batch)
        agent.until_stored(20)
        for _ in range(10):
            agent.events(1, *batch)
            assert agent.message() == {"type": "ack", "logged": 20, "stored": 20}
