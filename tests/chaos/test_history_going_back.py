"""PostgreSQL comes back without its last commits, and nothing comes in: dashboards hear of it."""

from __future__ import annotations

import pytest
from redis import Redis
from sqlalchemy import text

from app.storage import partitions
from app.storage.rebuild import mend, rebuild
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.chaos.breaking import event, wait_for_queue
from tests.integration.conftest import engine_of
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.going_back import go_back
from tests.integration.rest import Rest
from tests.integration.samples import numbers

pytestmark = pytest.mark.chaos


def test_dashboards_start_anew_when_a_head_goes_back(fragile: Stack, rest: Rest) -> None:
    engine = engine_of(fragile)
    wait_for_queue(rest)
    with DashboardSocket(fragile.url, fragile.admin_key) as viewer:
        viewer.live(filter={"agent_ids": ["restored"]})
        rest.send(event("restored", 1))
        viewer.until_shown(1)
        with engine.connect() as connection:
            [past] = partitions.states(connection)
        rest.send(*(event("restored", number) for number in range(2, 7)))
        viewer.until_shown(6)
        cursor = viewer.cursors["live"]
        with Redis.from_url(fragile.redis_url) as redis:
            wait_until(
                lambda: redis.xlen("telltale:{p0}:log") == 0,
                timeout_s=10,
                what=lambda: "the log is not trimmed",
            )
        go_back(engine, past)
        bye = viewer.bye()
        assert (bye["code"], bye["reconnect"]) == (4010, True)
    with DashboardSocket(fragile.url, fragile.admin_key) as viewer:
        viewer.live(cursor=cursor, filter={"agent_ids": ["restored"]})
        [resumed] = viewer.of_kind("resumed")
        assert (resumed["recovered"], resumed["reason"]) == (False, "epoch")
        assert numbers(viewer.items["live"]) == [1]
    with engine.begin() as connection:
        # The books never forget the five that were lost; the other tests look at them, too.
        connection.execute(text("UPDATE partitions SET accepted_before = accepted_before - 5"))
    # Nor does the agent's row, which is mended as ``flask projections rebuild`` does it.
    mend(engine, rebuild(engine, lambda _: None).differences)
    engine.dispose()
