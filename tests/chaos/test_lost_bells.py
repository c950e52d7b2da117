"""Bells that nobody hears: killed workers take them along, and the sweep must ring again."""

from __future__ import annotations

import pytest
from redis import Redis

from launcher.stack import Stack
from tests.chaos.breaking import drain_again, event, kill, stop_draining, wait_for_queue
from tests.integration.rest import Rest

pytestmark = pytest.mark.chaos

QUEUE = "telltale:jobs:ingest"
KILLS = 4


def test_messages_of_killed_workers_do_not_silence_the_sweep(fragile: Stack, rest: Rest) -> None:
    for number in range(KILLS):
        # A worker that has just stored something stays on the partition, with its message in hand.
        rest.send(event("bells", number))
        kill(fragile, "worker")
        fragile.start("worker")
    wait_for_queue(rest)
    stop_draining(fragile)
    with Redis.from_url(fragile.redis_url) as redis:
        last = event("bells", KILLS)
        rest.post("/v1/events", last).ok(202)
        assert redis.hlen(f"{QUEUE}.msgs") > 2
        redis.delete(QUEUE)
    drain_again(fragile)
    wait_for_queue(rest)
    assert rest.get(f"/v1/events/{last['id']}").ok()["agent_id"] == "bells"
