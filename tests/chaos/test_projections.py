"""The audit's look at projections: it finds a row that is not its history."""

from __future__ import annotations

import psycopg

from launcher.stack import Stack
from tests.chaos import projections
from tests.chaos.breaking import event, wait_for_queue
from tests.integration.rest import Rest


def test_a_row_that_was_changed_behind_historys_back_is_found(fragile: Stack, rest: Rest) -> None:
    sent = event("bent", 1, kind="agent.status") | {"data": {"status": "busy", "n": 1}}
    rest.send(sent)
    task = rest.post("/v1/tasks", {"title": "x", "agent_id": "bent"}).ok(201)
    wait_for_queue(rest)
    # Others have broken this stack before.
    before = projections.differences(fragile)
    assert not [found for found in before if "bent" in found or task["task_id"] in found]
    bend = [
        ("UPDATE agents SET status = %s WHERE agent_id = %s", "bent"),
        ("UPDATE tasks SET state = %s WHERE task_id = %s", task["task_id"]),
    ]
    with psycopg.connect(fragile.database_url, autocommit=True) as connection:
        for statement, name in bend:
            connection.execute(statement, ["failed", name])
            found = [one for one in projections.differences(fragile) if one not in before]
            assert len(found) == 1, found
            assert name in found[0]
            assert "'failed'" in found[0]
            connection.execute(statement, ["busy" if name == "bent" else "submitted", name])
    assert projections.differences(fragile) == before
