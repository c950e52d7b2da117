"""A fleet larger than a snapshot: it says how many there are, a filter finds each (§5)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

FLEET, SHOWN = 10_050, 10_000
LAST = f"worker-{FLEET:05}"


@pytest.fixture
def fleet(tenant: Tenant, engine: Engine) -> Tenant:
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO agents (project_id, agent_id, role)"
                " SELECT :project, 'worker-' || lpad(n::text, 5, '0'), 'worker'"
                " FROM generate_series(1, :fleet) AS n"
            ),
            {"project": tenant.project_id, "fleet": FLEET},
        )
    return tenant


def test_a_snapshot_that_is_cut_says_so_and_a_filter_is_applied_before_the_cut(
    fleet: Tenant,
) -> None:
    with DashboardSocket(fleet.url, fleet.viewer) as viewer:
        cursor = viewer.live()["cursor"]
        viewer.live("one", filter={"agent_ids": [LAST, "nobody"]})
        everybody, one = viewer.of_kind("snapshot")
        assert (len(everybody["agents"]), everybody["agents_total"]) == (SHOWN, FLEET)
        assert ([a["agent_id"] for a in one["agents"]], one["agents_total"]) == ([LAST], 1)
        viewer.live("again", cursor=cursor, filter={"agent_ids": [LAST]})
        told = viewer.until(lambda m: m["type"] == "agents" and m["id"] == "again")
        assert [a["agent_id"] for a in told["items"]] == [LAST]
