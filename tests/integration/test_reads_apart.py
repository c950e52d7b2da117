"""Reads of history that take long hold up neither hellos nor keys, and one another only so far."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest
from sqlalchemy import Engine, text

from app.domain.access import Role
from app.storage import credentials
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.rest import Answer
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

POOL = 6
READERS = POOL + 6


@pytest.fixture
def no_history(tenant: Tenant, engine: Engine) -> Iterator[threading.Event]:
    """There are events that nobody can read, as if each read took very long; until this is set."""
    tenant.sender.send(event())
    locked, over = threading.Event(), threading.Event()

    def lock() -> None:
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
            locked.set()
            over.wait(25)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        assert locked.wait(10)
        yield over
    finally:
        over.set()
        thread.join()


def test_whoever_says_hello_or_shows_a_key_does_not_wait_for_readers(
    tenant: Tenant, engine: Engine, no_history: threading.Event
) -> None:
    reader = tenant.reader

    def read() -> Answer:
        return reader.get("/v1/events", text="anything")

    with ThreadPoolExecutor(READERS) as pool:
        reads = [pool.submit(read) for _ in range(READERS)]
        wait_until(
            lambda: _waiting(engine) == POOL, timeout_s=10, what=lambda: "the readers are late"
        )
        with engine.begin() as connection:
            fresh = credentials.create(connection, tenant.project_id, "fresh", Role.AGENT)
        started = time.monotonic()
        with AgentSocket(tenant.url, fresh):
            assert time.monotonic() - started < 2
        refused = [each.result() for each in islice(as_completed(reads, 15), READERS - POOL)]
        for answer in refused:
            answer.problem(503, "unavailable")
            assert answer.headers["retry-after"] == "1"
        no_history.set()
        assert sum(read.result().status == 200 for read in reads) == POOL


def _waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(
            connection.execute(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND application_name = 'telltale-web-history'"
                )
            ).scalar_one()
        )
