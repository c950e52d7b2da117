"""A viewer that does not read: its queue drops, or it is sent away; nobody else notices (§5)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from launcher.stack import Stack
from tests.integration.conftest import IMPATIENT, web_beside
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.samples import numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import Closed

pytestmark = pytest.mark.e2e

BUFFER = 32_768
PADDING = 20_000
EVENTS = 500
# Less than this fits into the kernel's buffers.


@pytest.fixture(scope="module", params=["head", "tail"])
def small_queue(request: pytest.FixtureRequest, stack: Stack) -> Iterator[tuple[str, str]]:
    """A web process whose viewers' queues take a hundred events, and what it drops then."""
    policy = str(request.param)
    settings = {**IMPATIENT, "SEND_TIMEOUT_S": "60", "PING_INTERVAL_S": "60"}
    with web_beside(stack, f"web-{policy}", VIEWER_DROP_POLICY=policy, **settings) as url:
        yield url, policy


def flood(tenant: Tenant, amount: int = EVENTS, padding: int = PADDING) -> None:
    """Send more than any buffer of the kernel takes."""
    for first in range(1, amount + 1, 100):
        tenant.sender.send(*numbered(100, first=first, padding=padding))


def test_a_slow_viewer_is_told_what_was_dropped_and_can_refill(
    tenant: Tenant, small_queue: tuple[str, str]
) -> None:
    url, policy = small_queue
    with (
        DashboardSocket(url, tenant.viewer, buffer=BUFFER) as slow,
        DashboardSocket(url, tenant.viewer) as other,
    ):
        slow.live()
        other.live()
        for first in range(1, EVENTS + 1, 100):
            tenant.sender.send(*numbered(100, first=first, padding=PADDING))
            other.until_shown(first + 99)
        assert numbers(other.items["live"]) == list(range(1, EVENTS + 1))
        dropped = slow.expect("dropped", timeout_s=60)
        assert (dropped["id"], dropped["policy"]) == ("live", policy)
        assert 0 < dropped["count"] < EVENTS
        seen = numbers(slow.items["live"])
        assert seen == sorted(set(seen))
        slow.items["live"].clear()
        slow.live(cursor=dropped["cursor"])
        behind = slow.seen.index(slow.of_kind("resumed")[-1])
        refilled = numbers(
            [m for message in slow.seen[behind:] for m in message.get("items", [])
             if message["type"] == "events"]
        )  # fmt: skip
        assert refilled == list(range(refilled[0], EVENTS + 1))
        assert refilled[0] == 1 or refilled[0] - 1 in seen
        assert set(seen) | set(refilled) == set(range(1, EVENTS + 1))


def test_the_newest_per_agent_is_kept_for_who_asks_for_that(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer, buffer=BUFFER) as slow:
        slow.live(mode="latest")
        for first in range(1, EVENTS + 1, 100):
            batch = numbered(100, first=first, padding=PADDING)
            for number, item in enumerate(batch):
                item["agent_id"] = f"agent-{number % 5}"
            tenant.sender.send(*batch)
        newest = {f"agent-{number}": EVENTS - 4 + number for number in range(5)}
        latest: dict[str, int] = {}
        deadline = time.monotonic() + 60
        while latest != newest:
            assert time.monotonic() < deadline, latest
            slow.next()
            for item in slow.items["live"]:
                latest[item["agent_id"]] = item["data"]["n"]
        assert len(slow.items["live"]) < EVENTS
        assert slow.of_kind("dropped") == []


def test_a_viewer_that_reads_nothing_is_sent_away(
    tenant: Tenant, neighbour: Tenant, impatient_url: str
) -> None:
    """The impatient process waits a second and a half for a reader."""
    with DashboardSocket(impatient_url, tenant.viewer, buffer=BUFFER) as slow:
        slow.live()
        flood(tenant)
        Rest(impatient_url, neighbour.agent).send(*numbered(10))
        time.sleep(3)
        with pytest.raises(Closed) as closed:
            slow.until_shown(EVENTS)
        # Where nothing can be sent any more, neither can a bye.
        assert closed.value.code in {4009, 1006}
        assert len(slow.items["live"]) < EVENTS


def test_a_catch_up_waits_for_its_reader(tenant: Tenant) -> None:
    """History is read no faster than it is taken: nothing of it is ever dropped."""
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        cursor = viewer.live()["cursor"]
    flood(tenant)
    with DashboardSocket(tenant.url, tenant.viewer, buffer=BUFFER) as viewer:
        viewer.subscribe(cursor=cursor)
        time.sleep(1)
        tenant.sender.send(*numbered(10, first=EVENTS + 1))
        shown = viewer.until_shown(EVENTS + 10, timeout_s=60)
        assert numbers(shown) == list(range(1, EVENTS + 11))
        assert viewer.of_kind("dropped") == []


def test_an_absence_full_of_large_events_is_caught_up(tenant: Tenant) -> None:
    """More bytes in all than any queue in front of a viewer takes."""
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        cursor = viewer.live()["cursor"]
    for first in range(1, 801, 80):
        tenant.sender.send(*numbered(80, f"agent-{first % 7}", first=first, padding=60_000))
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        assert sorted(numbers(viewer.items["live"])) == list(range(1, 801))
