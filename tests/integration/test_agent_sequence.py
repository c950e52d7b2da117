"""The agent socket's ``seq``: holes, repeats, refused items, and being told to slow down (§4)."""

from __future__ import annotations

import time

import pytest

from launcher.stack import Stack
from tests.integration.agent_socket import AgentSocket
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import TEXT

pytestmark = pytest.mark.e2e


def stored_numbers(tenant: Tenant, agent_id: str = "worker-1") -> list[int]:
    return numbers(tenant.reader.events(agent_id=agent_id, order="asc", limit=1000))


def test_a_hole_is_answered_with_where_to_go_on(tenant: Tenant) -> None:
    batch = numbered(6, None)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *batch[:2])
        agent.until_stored(2)
        agent.events(4, *batch[3:])
        assert agent.expect("nack") == {"type": "nack", "expected": 3}
        agent.events(3, *batch[2:])
        agent.until_stored(6)
    assert stored_numbers(tenant) == [1, 2, 3, 4, 5, 6]


def test_what_was_sent_behind_a_hole_brings_no_more_nacks(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        for seq in range(3, 20):
            agent.events(seq, event(None))
        assert agent.expect("nack")["expected"] == 1
        assert agent.quiet()
        agent.events(1, *numbered(2, None))
        agent.until_stored(2)
    assert stored_numbers(tenant) == [1, 2]


def test_the_same_mistake_again_is_answered_again(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        for seq in (5, 5, 9, 7, 2**53 - 1):
            agent.events(seq, event(None))
            assert agent.expect("nack")["expected"] == 1
        agent.events(1, event(None))
        agent.until_stored(1)


def test_a_seq_from_the_future_after_a_break(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, event(None))
        agent.until_stored(1)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(100, event(None))
        assert agent.expect("nack")["expected"] == 2


def test_what_was_seen_is_acknowledged_again_silently(tenant: Tenant) -> None:
    batch = numbered(5, None)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *batch)
        agent.until_stored(5)
        for seq in (1, 3, 5):
            agent.events(seq, *batch[seq - 1 :])
            ack = agent.message()
            assert ack == {"type": "ack", "logged": 5, "stored": 5}
    assert stored_numbers(tenant) == [1, 2, 3, 4, 5]


def test_a_frame_that_is_half_seen_brings_its_other_half(tenant: Tenant) -> None:
    batch = numbered(8, None)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *batch[:5])
        agent.events(3, *batch[2:])
        agent.until_stored(8)
    assert stored_numbers(tenant) == list(range(1, 9))


def test_a_seen_seq_with_other_content_changes_nothing(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *numbered(3, None))
        agent.until_stored(3)
        agent.events(1, *numbered(3, None, first=100))
        agent.until_stored(3)
    assert stored_numbers(tenant) == [1, 2, 3]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"id": "bad", "type": "UPPER"}, "invalid_event"),
        (7, "invalid_event"),
        (event("somebody-else", id="bad"), "agent_mismatch"),
        (event(None, id="bad", time="2001-01-01T00:00:00Z"), "time_out_of_range"),
        (event(None, id="bad", data={"text": "\x00"}), "invalid_text"),
        (event(None, id="bad", data={"text": "x" * 65_536}), "data_too_large"),
        (event(None, id="bad", type="agent.status", data={}), "invalid_data"),
    ],
)
def test_a_refused_item_spends_its_number_and_the_others_stand(
    tenant: Tenant, bad: object, code: str
) -> None:
    good = numbered(4, None)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *good[:2], bad, *good[2:])
        reject = agent.expect("reject")
        assert (reject["seq"], reject["code"]) == (3, code)
        assert reject["id"] == ("bad" if isinstance(bad, dict) else None)
        assert reject["detail"]
        agent.until_stored(5)
    assert stored_numbers(tenant) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (rb'{"type":"a","data":{"t":"\ud800"}}', "invalid_text"),
        (b'{"type":"a","data":{"t":' + b"[" * 3000 + b"]" * 3000 + b"}}", "too_deep"),
        (b'{"type":"a","data":{"t":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "data_too_large"),
    ],
)
def test_what_no_decoder_bears_is_refused_by_itself(tenant: Tenant, bad: bytes, code: str) -> None:
    frame = b'{"type":"events","items":[{"type":"a","data":{"n":1}},%s,' % bad
    frame += b'{"type":"a","data":{"n":2}}],"seq":1}'
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.send_frame(TEXT, frame)
        reject = agent.expect("reject")
        assert (reject["seq"], reject["code"]) == (2, code)
        agent.until_stored(3)
    assert stored_numbers(tenant) == [1, 2]


def test_a_frame_of_nothing_but_refused_items_is_spent(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, 1, 2, 3)
        assert [agent.expect("reject")["seq"] for _ in range(3)] == [1, 2, 3]
        agent.until_stored(3)
        agent.events(4, *numbered(1, None))
        agent.until_stored(4)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        assert agent.welcome["stored"] == 4
    assert stored_numbers(tenant) == [1]


def test_who_sends_too_fast_is_told_and_loses_nothing(
    tenant: Tenant, neighbour: Tenant, impatient_url: str
) -> None:
    """Twenty a second and twenty at once: sixty events take about two seconds."""
    batch = numbered(60, None)
    started = time.monotonic()
    with (
        AgentSocket(impatient_url, tenant.agent) as agent,
        AgentSocket(impatient_url, neighbour.agent) as other,
    ):
        assert agent.welcome["limits"]["events_per_s"] == 20
        logged, slows = 0, 0
        while logged < 60:
            agent.events(logged + 1, *batch[logged : logged + 10])
            while True:
                message = agent.message()
                if message["type"] == "slow":
                    assert message["reason"] == "rate"
                    assert 0 < message["retry_after_ms"] <= 1000
                    slows += 1
                    time.sleep(message["retry_after_ms"] / 1000)
                    break
                assert message["type"] == "ack", message
                if message["logged"] > logged:
                    logged = message["logged"]
                    break
        assert slows > 0
        assert time.monotonic() - started > 1.5
        other.events(1, *numbered(10, None))
        other.until_stored(10)
        agent.events(1, *batch[:1])
        agent.until_stored(60)
    assert stored_numbers(tenant) == list(range(1, 61))


def test_what_was_sent_behind_a_slow_is_taken_up_again_from_the_start(
    tenant: Tenant, impatient_url: str
) -> None:
    batch = numbered(80, None)
    with AgentSocket(impatient_url, tenant.agent) as agent:
        # A full bucket lets a larger frame through, and is below empty then.
        agent.events(1, *batch[:40])
        while agent.message()["logged"] < 40:
            pass
        for seq in range(41, 81):
            agent.events(seq, batch[seq - 1])
        slow = agent.expect("slow")
        # Whoever goes on somewhere else is told where.
        agent.events(80, batch[79])
        assert agent.expect("nack")["expected"] == 41
        time.sleep(slow["retry_after_ms"] / 1000)
        agent.events(41, *batch[40:50])
        while (message := agent.message()).get("stored", 0) < 50:
            # It was told when there is room for one event; these are ten.
            if message["type"] == "slow":
                time.sleep(message["retry_after_ms"] / 1000)
                agent.events(41, *batch[40:50])
    assert stored_numbers(tenant) == list(range(1, 51))


def test_a_full_backlog_refuses_loudly_and_drops_nothing(
    spare: Stack, spare_tenant: Tenant
) -> None:
    """The log of this stack takes a thousand events; its worker is stalled."""
    batch = numbered(1500, None)
    spare.pause("worker")
    try:
        with AgentSocket(spare.url, spare_tenant.agent) as agent:
            for seq in range(0, 1500, 100):
                agent.events(seq + 1, *batch[seq : seq + 100])
            slow = agent.expect("slow")
            assert slow["reason"] == "backlog"
            assert slow["retry_after_ms"] > 0
            # What came in together is taken or refused together: there may be room for less.
            for _ in range(1000):
                refused = spare_tenant.sender.post("/v1/events", event(agent.agent_id, type="less"))
                if refused.status != 202:
                    break
            refused.problem(503, "backlog_full")
            assert int(refused.headers["retry-after"]) >= 1
    finally:
        spare.resume("worker")
    with AgentSocket(spare.url, spare_tenant.agent) as agent:
        logged, stored = agent.welcome["logged"], agent.welcome["stored"]
        assert 0 < logged <= 1000
        deadline = time.monotonic() + 60
        while stored < 1500:
            assert time.monotonic() < deadline, (logged, stored)
            if logged < 1500:
                agent.events(logged + 1, *batch[logged : logged + 100])
            message = agent.message()
            if message["type"] == "slow":
                time.sleep(message["retry_after_ms"] / 1000)
            elif message["type"] == "ack":
                logged, stored = message["logged"], message["stored"]
    reader = spare_tenant.reader
    first = numbers(reader.events(order="asc", limit=1000, type="test.happened"))
    assert first == list(range(1, 1001))
