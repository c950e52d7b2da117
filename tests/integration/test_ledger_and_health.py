"""The books, and the health of the process and its parts (§6)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from launcher.stack import Stack
from tests.integration.agent_socket import AgentSocket
from tests.integration.rest import Rest
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

NUMBERS = ("accepted", "stored", "duplicates", "queued", "dead")


def settled(reader: Rest) -> dict[str, Any]:
    """The ledger when nothing is queued any more."""
    deadline = time.monotonic() + 30
    while True:
        books: dict[str, Any] = reader.get("/v1/ledger").ok()
        if books["queued"] == 0 and books["balanced"]:
            return books
        assert time.monotonic() < deadline, books


def test_the_books_balance_after_everything_that_can_happen_to_an_event(
    spare_tenant: Tenant,
) -> None:
    before = settled(spare_tenant.reader)
    batch = numbered(100, "worker-1")
    spare_tenant.sender.send(*batch)
    spare_tenant.sender.send(*batch[:40])
    refused = spare_tenant.sender.post("/v1/events", [{"type": "BAD"}, event()])
    assert refused.ok(202)["accepted"] == 1
    with AgentSocket(spare_tenant.url, spare_tenant.agent) as agent:
        agent.events(1, *batch[:10], 7, *numbered(5, None))
        agent.until_stored(16)
        agent.events(1, *batch[:10])
        agent.until_stored(16)
    after = settled(spare_tenant.reader)
    grown = {name: after[name] - before[name] for name in NUMBERS}
    # 100 and 1 and 5 are new; 40 and 10 were known by their ids, and 10 again by their numbers.
    assert grown == {
        "accepted": 166,
        "stored": 106,
        "duplicates": 60,
        "queued": 0,
        "dead": 0,
    }
    assert after["balanced"] is True
    for name in NUMBERS:
        assert after[name] == sum(entry[name] for entry in after["partitions"])
    assert [entry["partition"] for entry in after["partitions"]] == [0, 1]


def test_what_waits_is_queued(spare: Stack, spare_tenant: Tenant) -> None:
    before = settled(spare_tenant.reader)
    spare.pause("worker")
    try:
        spare_tenant.sender.post("/v1/events", numbered(50)).ok(202)
        answer = spare_tenant.sender.post("/v1/events", event(), {"Prefer": "wait=1"})
        assert "stored" not in answer.ok(202)
        assert answer.headers["preference-applied"] == "wait=1"
        books = spare_tenant.reader.get("/v1/ledger").ok()
        assert books["queued"] == 51
        assert books["accepted"] == before["accepted"] + 51
        assert books["balanced"] is True
    finally:
        spare.resume("worker")
    assert settled(spare_tenant.reader)["stored"] == before["stored"] + 51


def test_the_process_lives_and_its_parts_answer(stack: Stack) -> None:
    nobody = Rest(stack.url)
    assert nobody.get("/healthz").ok() == {"status": "ok", "parts": {"process": True}}
    ready = nobody.get("/readyz").ok()
    assert ready["status"] == "ok"
    assert ready["parts"] == {"postgres": True, "redis": True, "backplane": True}


@pytest.mark.parametrize(("part", "named"), [("postgres", "postgres"), ("valkey", "redis")])
def test_a_part_that_is_away_is_named(spare: Stack, part: str, named: str) -> None:
    spare.stop(part)
    try:
        answer = Rest(spare.url).get("/readyz")
        assert answer.status == 503
        assert answer.json["status"] == "unavailable"
        assert answer.json["parts"][named] is False
        Rest(spare.url).get("/healthz").ok()
    finally:
        spare.start(part)
        spare.wait_ready()
