"""Recorded agent runs, replayed twice at once by REST and by sockets: kept once, byte for byte."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.core import clock
from launcher.command import ROOT
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant
from tests.integration.wire import TEXT, Closed

pytestmark = pytest.mark.e2e

RUNS = Path(os.environ.get("TELLTALE_AGENT_RUNS", ROOT.parent / "shared/data/agent-runs"))
FRAME = 4
"""Events in a frame or a body."""


@dataclass(frozen=True, slots=True)
class Run:
    """One recording: its agent, its events as they are sent, and the bytes of each one's data."""

    agent_id: str
    items: list[bytes]
    data: list[bytes]

    @property
    def ids(self) -> list[str]:
        return [f"{self.agent_id[-40:]}-{number}" for number in range(len(self.items))]


def read(path: Path) -> Run:
    """A recording with ids and times; its ``data`` is cut out of the line as it stands there."""
    begin = clock.now() - timedelta(days=1)
    items, data = [], []
    for number, line in enumerate(path.read_bytes().splitlines()):
        head, separator, tail = line.partition(b', "data": ')
        assert separator, line
        payload = tail.removesuffix(b"}")
        fields = json.loads(head + b"}")
        time = clock.rfc3339(begin + timedelta(milliseconds=fields.pop("offset_ms")))
        fields |= {"id": f"{path.stem[-40:]}-{number}", "time": time, "agent_id": path.stem}
        items.append(json.dumps(fields).encode()[:-1] + b', "data": ' + payload + b"}")
        data.append(payload)
    return Run(path.stem, items, data)


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """All recordings."""
    found = [read(path) for path in sorted(RUNS.glob("*.ndjson"))]
    if not found:
        pytest.skip(f"There are no recorded runs in {RUNS}; TELLTALE_AGENT_RUNS says where.")
    return found


def in_frames(items: list[bytes]) -> Iterator[list[bytes]]:
    return (items[at : at + FRAME] for at in range(0, len(items), FRAME))


def by_rest(run: Run, url: str, key: str) -> None:
    for items in in_frames(run.items):
        answer = Rest(url, key).post("/v1/events", b"\n".join(items), kind="application/x-ndjson")
        receipt = answer.ok(202)
        assert receipt["rejected"] == []
        assert receipt["accepted"] + receipt["duplicates"] == len(items)


def by_socket(run: Run, url: str, key: str, incarnation: int) -> None:
    """As an agent would; a later incarnation of the same agent may cut it off."""
    try:
        with AgentSocket(url, key, run.agent_id, incarnation=incarnation) as agent:
            seq = agent.welcome["logged"] + 1
            for items in in_frames(run.items[seq - 1 :]):
                frame = b'{"type":"events","seq":%d,"items":[%s]}' % (seq, b",".join(items))
                agent.send_frame(TEXT, frame)
                seq += len(items)
            agent.until_stored(len(run.items))
    except (AssertionError, Closed, ConnectionError):
        # Superseded: the later one sends everything.
        assert incarnation == 1


@pytest.fixture
def replayed(
    runs: list[Run], tenant: Tenant, second_url: str
) -> Iterator[tuple[DashboardSocket, DashboardSocket]]:
    """All runs sent four times at once, while two dashboards look on from the start."""
    urls = (tenant.url, second_url)
    senders: list[Callable[[], None]] = [
        *(partial(by_rest, run, url, tenant.agent) for run in runs for url in urls),
        *(
            partial(by_socket, run, url, tenant.agent, incarnation)
            for run in runs
            for incarnation, url in enumerate(reversed(urls), start=1)
        ),
    ]
    failures: list[BaseException] = []

    def run_one(send: Callable[[], None]) -> None:
        try:
            send()
        except BaseException as error:
            failures.append(error)

    with (
        DashboardSocket(tenant.url, tenant.viewer) as one,
        DashboardSocket(second_url, tenant.viewer) as other,
    ):
        one.live()
        other.live()
        threads = [threading.Thread(target=run_one, args=(send,)) for send in senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        yield one, other


def raw_data(item: dict[str, Any], reader: Rest) -> bytes:
    """The bytes of a stored event's data."""
    body = reader.get(f"/v1/events/{item['id']}").body
    start = body.index(b'"data":') + len(b'"data":')
    return body[start : body.rindex(b',"partition":')]


def test_a_replay_is_kept_and_shown_once_in_order_byte_for_byte(
    stack: Stack,
    runs: list[Run],
    tenant: Tenant,
    replayed: tuple[DashboardSocket, DashboardSocket],
) -> None:
    total = sum(len(run.items) for run in runs)
    assert total > 200
    reader = tenant.reader
    for run in runs:
        stored = reader.events(agent_id=run.agent_id, order="asc", limit=1000)
        # Each sender goes on when the log has what it sent, so whoever is first with an event comes
        # behind all those before it: there is one order, however many send.
        assert [item["id"] for item in stored] == run.ids
        data = dict(zip(run.ids, run.data, strict=True))
        for item in stored:
            assert raw_data(item, reader) == data[item["id"]]
    history = reader.events(order="asc", limit=1000)
    for dashboard in replayed:
        shown = dashboard.until_shown(total)
        assert len(shown) == total
        for run in runs:
            of_agent = [item for item in shown if item["agent_id"] == run.agent_id]
            assert of_agent == [item for item in history if item["agent_id"] == run.agent_id]

    def balanced() -> bool:
        books = Rest(stack.url, tenant.viewer).get("/v1/ledger").ok()
        return bool(books["balanced"] and books["queued"] == 0 and books["dead"] == 0)

    wait_until(balanced, timeout_s=30, what=lambda: "the books do not balance")
