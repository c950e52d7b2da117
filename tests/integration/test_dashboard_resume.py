"""Going on with a cursor: nothing is missed and nothing comes twice, wherever it goes on (§5)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine

from app.core import clock
from app.domain.cursor import Cursor
from app.storage import event_ranges
from launcher.command import ROOT
from launcher.stack import Stack
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import Message

pytestmark = pytest.mark.e2e

LONG_AGO = timedelta(days=29)
"""Young enough to be taken, and of a week that a retention of a fortnight drops."""


@contextmanager
def steady_traffic(tenant: Tenant, agents: int = 4) -> Iterator[Callable[[], int]]:
    """Agents that send numbered events all the while; the callable ends it and says how many."""
    over = threading.Event()
    sent = [0]

    def run() -> None:
        while not over.is_set():
            sent[0] += 1
            batch = [event(f"agent-{a}", data={"n": sent[0]}) for a in range(agents)]
            tenant.sender.post("/v1/events", batch).ok(202)

    thread = threading.Thread(target=run)

    def end() -> int:
        over.set()
        thread.join()
        return sent[0]

    thread.start()
    try:
        yield end
    finally:
        end()


def assert_each_once_in_order(shown: list[Message], amount: int, agents: int = 4) -> None:
    for number in range(agents):
        of_agent = [item for item in shown if item["agent_id"] == f"agent-{number}"]
        assert numbers(of_agent) == list(range(1, amount + 1))
    assert len(shown) == agents * amount


def test_it_goes_on_behind_the_cursor(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        tenant.sender.send(*numbered(10))
        viewer.until_shown(10)
        cursor = viewer.cursors["live"]
    tenant.sender.send(*numbered(25, first=11))
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        [resumed] = viewer.of_kind("resumed")
        assert (resumed["recovered"], resumed["missed"]) == (True, 25)
        assert "reason" not in resumed
        assert viewer.of_kind("snapshot") == []
        assert numbers(viewer.items["live"]) == list(range(11, 36))
        tenant.sender.send(*numbered(5, first=36))
        assert numbers(viewer.until_shown(30)) == list(range(11, 41))


def test_nothing_missed_is_nothing_shown(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(3))
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        cursor = viewer.live()["cursor"]
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        assert viewer.of_kind("resumed")[0]["missed"] == 0
        assert viewer.items["live"] == []


def test_a_viewer_that_comes_and_goes_sees_each_event_once(tenant: Tenant, second_url: str) -> None:
    """Cut off at any moment, it goes on with the last cursor that it has, at either process."""
    random = Random(7)
    shown: list[Message] = []
    cursor: str | None = None
    urls = [tenant.url, second_url]
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        cursor = viewer.live()["cursor"]
    with steady_traffic(tenant) as end:
        for visit in range(14):
            with DashboardSocket(urls[visit % 2], tenant.viewer) as viewer:
                viewer.subscribe(cursor=cursor)
                for _ in range(random.randrange(1, 25)):
                    viewer.next()
                shown += viewer.items["live"]
                cursor = viewer.cursors.get("live", cursor)
        amount = end()
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        viewer.until_shown(4 * amount - len(shown))
        shown += viewer.items["live"]
    assert_each_once_in_order(shown, amount)


def test_subscribing_amid_traffic_leaves_no_seam(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        start = viewer.live()["cursor"]
        with steady_traffic(tenant) as end:
            for number in range(8):
                viewer.subscribe(f"from-start-{number}", cursor=start)
                viewer.until(lambda m: m["type"] == "caught_up")
            amount = end()
        for number in range(8):
            name = f"from-start-{number}"
            assert_each_once_in_order(viewer.until_shown(4 * amount, name), amount)
        assert_each_once_in_order(viewer.until_shown(4 * amount, "live"), amount)


def test_a_long_absence_comes_in_pages(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        cursor = viewer.live()["cursor"]
    for first in range(1, 3001, 500):
        batches = (numbered(500, f"agent-{agent}", first=first) for agent in range(2))
        tenant.sender.send(*[item for batch in batches for item in batch])
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        assert viewer.of_kind("resumed")[0]["missed"] == 6000
        assert len(viewer.of_kind("events")) > 1
        assert_each_once_in_order(viewer.items["live"], 3000, agents=2)


def test_the_same_cursor_serves_every_way_of_reading(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(5))
    page = tenant.reader.get("/v1/events", order="asc", limit=3).ok()
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=page["next"])
        assert numbers(viewer.items["live"]) == [4, 5]
        after = viewer.cursors["live"]
    tenant.sender.send(*numbered(2, first=6))
    assert numbers(tenant.reader.events(after=after)) == [6, 7]


@pytest.mark.parametrize("cursor", ["nonsense", "", "AAAA", "ünïcode", "W10", "a" * 4096])
def test_a_cursor_that_we_never_gave_out_brings_a_snapshot(tenant: Tenant, cursor: str) -> None:
    tenant.sender.send(*numbered(3))
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        assert [m["type"] for m in viewer.seen if m["type"] != "heads"][1:4] == [
            "resumed",
            "snapshot",
            "caught_up",
        ]
        [resumed] = viewer.of_kind("resumed")
        assert (resumed["recovered"], resumed["reason"]) == (False, "epoch")
        assert numbers(viewer.items["live"]) == [1, 2, 3]


def test_a_cursor_of_another_number_of_partitions_is_of_another_epoch(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        known = Cursor.parse(viewer.live()["cursor"])
        for offsets in (known.offsets[:-1], (*known.offsets, 0)):
            viewer.live("other", cursor=str(Cursor(known.epoch, offsets)))
            resumed = viewer.of_kind("resumed")[-1]
            assert (resumed["recovered"], resumed["reason"]) == (False, "epoch")


def test_too_far_behind_brings_a_snapshot(tenant: Tenant, impatient_url: str) -> None:
    """The impatient process catches up a thousand events, and shows five in a snapshot."""
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        cursor = viewer.live()["cursor"]
    tenant.sender.send(*numbered(1000))
    tenant.sender.send(*numbered(1, first=1001))
    with DashboardSocket(impatient_url, tenant.viewer) as viewer:
        viewer.live(cursor=cursor)
        [resumed] = viewer.of_kind("resumed")
        assert (resumed["recovered"], resumed["reason"]) == (False, "too_far")
        assert resumed["missed"] == 1001
        assert numbers(viewer.items["live"]) == list(range(997, 1002))


def _drop_old(engine: Engine) -> None:
    _, dropped = event_ranges.maintain(engine, clock.now(), timedelta(days=14))
    assert dropped


def test_history_that_is_gone_brings_a_snapshot(spare_tenant: Tenant, spare_engine: Engine) -> None:
    old = clock.rfc3339(clock.now() - LONG_AGO)
    # From the very beginning nothing is ever too old, so the first cursor must not be there.
    spare_tenant.sender.send(*numbered(1, time=old))
    with DashboardSocket(spare_tenant.url, spare_tenant.viewer) as viewer:
        start = viewer.live()["cursor"]
    spare_tenant.sender.send(*numbered(5, first=2, time=old))
    with DashboardSocket(spare_tenant.url, spare_tenant.viewer) as viewer:
        behind_old = viewer.live()["cursor"]
    spare_tenant.sender.send(*numbered(5, first=7))
    _drop_old(spare_engine)
    with DashboardSocket(spare_tenant.url, spare_tenant.viewer) as viewer:
        viewer.live(cursor=start)
        [resumed] = viewer.of_kind("resumed")
        assert (resumed["recovered"], resumed["reason"]) == (False, "retention")
        assert resumed["missed"] == 10
        assert numbers(viewer.items["live"]) == [7, 8, 9, 10, 11]
        viewer.live("later", cursor=behind_old)
        assert viewer.of_kind("resumed")[-1]["recovered"] is True
        assert numbers(viewer.items["later"]) == [7, 8, 9, 10, 11]
    _is_gone_for_every_reader(spare_tenant, start)


def _is_gone_for_every_reader(tenant: Tenant, cursor: str) -> None:
    reader = tenant.reader
    reader.get("/v1/events", after=cursor).problem(410, "cursor_gone")
    reader.get("/v1/events", after=cursor, wait=1).problem(410, "cursor_gone")
    reader.get("/v1/stream", {"Last-Event-ID": cursor}).problem(410, "cursor_gone")


def test_history_with_a_hole_brings_a_snapshot(spare_tenant: Tenant, spare_engine: Engine) -> None:
    spare_tenant.sender.send(*numbered(1))
    with DashboardSocket(spare_tenant.url, spare_tenant.viewer) as viewer:
        start = viewer.live()["cursor"]
    # Events that came late go by their own time, from amid those that stay.
    old = clock.rfc3339(clock.now() - LONG_AGO)
    spare_tenant.sender.send(*numbered(5, first=2, time=old))
    spare_tenant.sender.send(*numbered(5, first=7))
    _drop_old(spare_engine)
    with DashboardSocket(spare_tenant.url, spare_tenant.viewer) as viewer:
        viewer.live(cursor=start)
        [resumed] = viewer.of_kind("resumed")
        assert (resumed["recovered"], resumed["reason"]) == (False, "retention")
        assert numbers(viewer.items["live"]) == [1, 7, 8, 9, 10, 11]
    _is_gone_for_every_reader(spare_tenant, start)


def test_a_new_epoch_sends_every_viewer_away_and_voids_cursors(
    spare: Stack, spare_tenant: Tenant
) -> None:
    spare_tenant.sender.send(*numbered(3))
    with (
        DashboardSocket(spare.urls[0], spare_tenant.viewer) as one,
        DashboardSocket(spare.urls[1], spare_tenant.viewer) as two,
    ):
        cursor = one.live()["cursor"]
        two.live()
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "partitions", "new-epoch"]
        done = subprocess.run(
            [*command, "--yes"],
            cwd=ROOT,
            env={**os.environ, **spare.env},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        for viewer in (one, two):
            bye = viewer.bye()
            assert (bye["code"], bye["reconnect"]) == (4010, True)
    for url in spare.urls:
        with DashboardSocket(url, spare_tenant.viewer) as viewer:
            assert viewer.welcome["epoch"] != one.welcome["epoch"]
            assert viewer.welcome["epoch"] in done.stdout
            viewer.live(cursor=cursor)
            [resumed] = viewer.of_kind("resumed")
            assert (resumed["recovered"], resumed["reason"]) == (False, "epoch")
            assert numbers(viewer.items["live"]) == [1, 2, 3]
    reader = spare_tenant.reader
    reader.get("/v1/events", after=cursor).problem(410, "cursor_gone")
    reader.get("/v1/events", cursor=cursor).problem(410, "cursor_gone")
    reader.get("/v1/stream", {"Last-Event-ID": cursor}).problem(410, "cursor_gone")
    spare_tenant.sender.send(*numbered(2, first=4))
    deadline = time.monotonic() + 20
    while numbers(reader.events(order="asc")) != [1, 2, 3, 4, 5]:
        assert time.monotonic() < deadline
