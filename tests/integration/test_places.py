"""Streams and long polls hold the places of viewers, as dashboards do (§5, §6)."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from launcher.stack import Stack
from tests.integration.conftest import web_beside
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.event_source import stream
from tests.integration.figures import Figures, scrape_until
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant
from tests.integration.wire import Refused

pytestmark = pytest.mark.e2e


def test_who_looks_on_in_whatever_way_takes_a_viewers_place(stack: Stack, tenant: Tenant) -> None:
    with web_beside(stack, "web-narrow", MAX_VIEWERS="3") as url, ExitStack() as looking:
        reader = Rest(url, tenant.viewer)
        place = looking.enter_context(DashboardSocket(url, tenant.viewer)).live()["cursor"]
        looking.enter_context(stream(tenant, url=url))
        poll = threading.Thread(
            target=reader.get, args=("/v1/events",), kwargs={"after": place, "wait": 25}
        )
        poll.start()

        try:
            scrape_until(url, lambda figures: _looking(figures) == {"poll", "stream", "viewer"})
            answer = reader.get("/v1/stream")
            answer.problem(503, "too_many_sockets")
            assert answer.headers["retry-after"] == "5"
            reader.get("/v1/events", after=place, wait=1).problem(503, "too_many_sockets")
            with pytest.raises(Refused) as refusal:
                DashboardSocket(url, tenant.viewer)
            assert refusal.value.problem()["code"] == "too_many_sockets"
            # Whoever is answered at once needs no place.
            reader.get("/v1/events").ok()
        finally:
            tenant.sender.send({"type": "a.b", "agent_id": "w"})
            poll.join()
        with DashboardSocket(url, tenant.viewer) as another:
            another.live()


def _looking(figures: Figures) -> set[str]:
    kinds = ("poll", "stream", "viewer")
    return {kind for kind in kinds if figures.sum("telltale_connections", kind=kind)}
