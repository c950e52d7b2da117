"""``/metrics``: the figures of every process, in every layout, from whichever web process (§6)."""

from __future__ import annotations

import pytest
from redis import Redis

from launcher.stack import Stack
from tests.integration.agent_socket import AgentSocket
from tests.integration.conftest import web_beside
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.figures import Figures, scrape_until
from tests.integration.rest import Rest
from tests.integration.samples import event, numbered
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

COUNTED = (
    "telltale_connections",
    "telltale_problems",
    "telltale_events_in",
    "telltale_events_rejected",
    "telltale_events_refused",
    "telltale_events_out",
    "telltale_acks",
    "telltale_append_events",
    "telltale_append_seconds",
    "telltale_viewer_dropped_events",
    "telltale_closes",
    "telltale_backplane_dropped",
    "telltale_refills",
    "telltale_drain_events",
    "telltale_drain_seconds",
    "telltale_drain_failures",
    "telltale_dead_events",
    "telltale_breaker_open",
    "telltale_bells",
    "telltale_log_events",
    "telltale_log_lag_seconds",
    "telltale_last_drain_timestamp_seconds",
)


def test_all_that_is_counted_is_named_once(stack: Stack) -> None:
    figures = scrape_until(stack.url, lambda found: bool(found.processes("clock")))
    names = [family.name for family in figures.families]
    assert set(COUNTED) <= set(names)
    assert len(names) == len(set(names))


def test_the_way_of_an_event_is_counted(stack: Stack, tenant: Tenant) -> None:
    before = Figures(stack.url)
    with (
        DashboardSocket(tenant.url, tenant.viewer) as viewer,
        AgentSocket(tenant.url, tenant.agent) as agent,
    ):
        viewer.live()
        agent.events(1, *numbered(10, None), 7)
        agent.until_stored(11)
        tenant.sender.send(*numbered(5, "by-rest"))
        viewer.until_shown(15)
        during = scrape_until(
            stack.url,
            lambda found: (
                found.sum("telltale_drain_events_sum") - before.sum("telltale_drain_events_sum")
                >= 15
            ),
        )
    assert during.sum("telltale_connections", kind="agent") >= 1
    assert during.sum("telltale_connections", kind="viewer") >= 1

    def grown(name: str, **labels: str) -> float:
        return during.sum(name, **labels) - before.sum(name, **labels)

    assert grown("telltale_events_in_total", transport="socket") == 10
    assert grown("telltale_events_in_total", transport="rest") == 5
    assert grown("telltale_events_rejected_total", code="invalid_event") == 1
    assert grown("telltale_events_out_total") >= 15
    assert grown("telltale_acks_total") >= 1
    assert grown("telltale_append_events_sum") == 15
    assert grown("telltale_append_seconds_count") >= 2
    assert grown("telltale_drain_seconds_count", process="worker") >= 1
    newest = "telltale_last_drain_timestamp_seconds"
    assert during.sum(newest) > before.sum(newest)


def test_requests_that_are_refused_are_counted_by_code(stack: Stack, tenant: Tenant) -> None:
    def count(code: str) -> float:
        return Figures(stack.url).sum("telltale_problems_total", code=code)

    before = count("unauthenticated"), count("too_many_events")
    Rest(stack.url).get("/v1/events").problem(401, "unauthenticated")
    tenant.sender.post("/v1/events", numbered(1001)).problem(422, "too_many_events")
    after = count("unauthenticated"), count("too_many_events")
    assert after == (before[0] + 1, before[1] + 1)


def test_every_web_process_answers_for_all(spare: Stack, spare_tenant: Tenant) -> None:
    first, second = spare.urls
    before = Figures(second)
    Rest(first, spare_tenant.agent).send(*numbered(20))
    told = scrape_until(
        second,
        lambda found: (
            found.sum("telltale_events_in_total") - before.sum("telltale_events_in_total") >= 20
            and len(found.processes("web")) == 2
        ),
    )
    assert len(told.processes("worker")) == 1
    assert len(told.processes("clock")) == 1
    assert told.has("telltale_breaker_open", breaker="postgres", process="worker")


def test_several_workers_of_one_web_process_are_told_apart(
    spare: Stack, spare_tenant: Tenant
) -> None:
    with web_beside(spare, "web-pair", WEB_CONCURRENCY="2") as url:
        _, *workers = spare.supervisor.process("web-pair").pids()
        scrape_until(url, lambda found: set(workers) <= found.processes("web"))
        for _ in range(10):
            Rest(url, spare_tenant.agent).send(*numbered(4))

        def sent(found: Figures) -> float:
            return sum(found.sum("telltale_events_in_total", pid=str(pid)) for pid in workers)

        scrape_until(url, lambda found: sent(found) == 40)
        # From another process too, and again: nothing is counted twice.
        scrape_until(spare.url, lambda found: sent(found) == 40)
        assert sent(Figures(url)) == 40


def test_what_waits_is_told_without_the_worker(spare: Stack, spare_tenant: Tenant) -> None:
    spare_tenant.sender.send(event())
    spare.pause("worker")
    try:
        spare_tenant.sender.post("/v1/events", numbered(50)).ok(202)
        waiting = Figures(spare.url)
        assert waiting.sum("telltale_log_events") == 50
        lag = waiting.sum("telltale_log_lag_seconds")
        assert lag > 0
        scrape_until(spare.url, lambda found: found.sum("telltale_log_lag_seconds") > lag + 0.5)
        # A worker that does not move is as good as gone.
        scrape_until(spare.url, lambda found: not found.processes("worker"))
    finally:
        spare.resume("worker")
    drained = scrape_until(spare.url, lambda found: found.sum("telltale_log_events") == 0)
    assert drained.sum("telltale_log_lag_seconds") == 0


def test_the_breaker_opens_and_closes_where_it_can_be_seen(
    spare: Stack, spare_tenant: Tenant
) -> None:
    spare_tenant.sender.send(event())
    spare.stop("postgres")
    try:
        spare_tenant.sender.post("/v1/events", event()).ok(202)
        opened = scrape_until(
            spare.url, lambda found: found.sum("telltale_breaker_open", breaker="postgres") == 1
        )
        assert opened.sum("telltale_log_events") == 1
        assert opened.sum("telltale_drain_failures_total") > 0
    finally:
        spare.start("postgres")
        spare.wait_ready()
    scrape_until(
        spare.url,
        lambda found: (
            found.sum("telltale_log_events") == 0
            and found.has("telltale_breaker_open", breaker="postgres")
            and found.sum("telltale_breaker_open", breaker="postgres") == 0
        ),
    )


def test_a_lost_publish_is_counted_as_a_refill(spare: Stack, spare_tenant: Tenant) -> None:
    before = scrape_until(spare.url, lambda found: len(found.processes("web")) == 2)

    def refilled(found: Figures) -> bool:
        spare_tenant.sender.post("/v1/events", event()).ok(202)
        with Redis.from_url(spare.redis_url) as redis:
            # Whoever is cut off comes back at once: until the event has been published.
            for _ in range(100):
                redis.client_kill_filter(_type="pubsub")
        return found.sum("telltale_refills_total") > before.sum("telltale_refills_total")

    scrape_until(spare.url, refilled)


def test_events_that_are_told_to_come_later_are_counted_by_reason(
    spare: Stack, impatient_url: str, spare_tenant: Tenant, tenant: Tenant
) -> None:
    hasty = Rest(impatient_url, tenant.agent)
    while hasty.post("/v1/events", numbered(20)).status == 202:
        pass
    assert Figures(impatient_url).sum("telltale_events_refused_total", reason="rate") >= 20
    spare.pause("worker")
    try:
        while spare_tenant.sender.post("/v1/events", numbered(500)).status == 202:
            pass
        assert Figures(spare.url).sum("telltale_events_refused_total", reason="backlog") >= 500
    finally:
        spare.resume("worker")
    scrape_until(spare.url, lambda found: found.sum("telltale_log_events") == 0)


def test_figures_are_there_without_redis(spare: Stack) -> None:
    spare.stop("valkey")
    try:
        alone = Figures(spare.url)
        assert len(alone.processes("web")) == 1
        assert alone.has("telltale_events_out_total")
        assert alone.has("telltale_last_drain_timestamp_seconds")
        assert not alone.has("telltale_log_events")
    finally:
        spare.start("valkey")
        spare.wait_ready()
    scrape_until(spare.url, lambda found: bool(found.processes("worker")))
