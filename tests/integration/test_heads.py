"""Heads say that nothing lies before them: nobody who still catches up may be told so (§5)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

HEADS_EVERY_S = 3.0


def test_no_heads_while_one_of_two_subscriptions_catches_up(tenant: Tenant, engine: Engine) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live("first")
        start = viewer.cursors["first"]
        tenant.sender.send(*numbered(3))
        viewer.until_shown(3, "first")
        with engine.begin() as connection:
            # History cannot be read as long as this lasts.
            connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            viewer.subscribe("second", cursor=start)
            viewer.expect("resumed")
            viewer.seen.clear()
            viewer.linger(HEADS_EVERY_S + 0.5)
            assert viewer.of_kind("heads") == []
        assert numbers(viewer.until_shown(3, "second")) == [1, 2, 3]
        assert viewer.expect("heads")["cursor"]
