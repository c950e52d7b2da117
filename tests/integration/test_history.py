"""``GET /v1/events``: every page once, in both orders, by filter and time, and waiting (§6)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from app.core import clock
from app.domain.access import Role
from app.domain.cursor import Cursor
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e


def all_pages(reader: Rest, *, limit: int, **query: Any) -> list[list[dict[str, Any]]]:
    """Every page from the first to the last."""
    pages: list[list[dict[str, Any]]] = []
    cursor = None
    while True:
        page = reader.get("/v1/events", limit=limit, cursor=cursor, **query).ok()
        assert page.keys() == {"items", "next"}
        assert len(page["items"]) <= limit
        cursor = page["next"]
        if query.get("order") == "asc":
            assert cursor, "Whoever reads on from here is told where."
        if page["items"] or not pages:
            pages.append(page["items"])
        if cursor is None or not page["items"]:
            return pages
        assert len(pages) < 500


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_paging_brings_each_event_once(tenant: Tenant, order: str, limit: int) -> None:
    amount = 4 if limit == 1 else 60
    agents = [f"agent-{n}" for n in range(5)]
    for first in range(1, amount + 1, 20):
        batches = [numbered(min(20, amount), name, first=first) for name in agents]
        tenant.sender.send(*[item for batch in batches for item in batch])
    shown = [item for page in all_pages(tenant.reader, order=order, limit=limit) for item in page]
    assert len(shown) == len({item["id"] for item in shown})
    step = 1 if order == "asc" else -1
    sent = sorted({item["data"]["n"] for item in shown})
    for name in agents:
        of_agent = [item for item in shown if item["agent_id"] == name]
        assert numbers(of_agent) == sent[::step]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_paging_while_more_comes_in_brings_what_was_there_once(tenant: Tenant, order: str) -> None:
    tenant.sender.send(*numbered(50))
    shown: list[dict[str, Any]] = []
    cursor = None
    for extra in range(100):
        page = tenant.reader.get("/v1/events", order=order, limit=7, cursor=cursor).ok()
        shown += page["items"]
        cursor = page["next"]
        if cursor is None or (order == "asc" and len(shown) >= 60):
            break
        tenant.sender.send(*numbered(1, first=51 + extra))
    found = numbers(shown)
    assert len(found) == len(set(found))
    assert set(range(1, 51)) <= set(found)
    assert found == sorted(found, reverse=order == "desc")


def test_the_newest_come_first_unless_asked_otherwise(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(150))
    page = tenant.reader.get("/v1/events").ok()
    assert numbers(page["items"]) == list(range(150, 50, -1))
    assert page["next"]


def test_an_empty_project_has_an_empty_page(tenant: Tenant) -> None:
    for order in ("asc", "desc"):
        assert all_pages(tenant.reader, order=order, limit=10) == [[]]


def test_after_a_cursor_come_the_next_ones_oldest_first(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(10))
    first = tenant.reader.get("/v1/events", order="asc", limit=4).ok()
    second = tenant.reader.get("/v1/events", after=first["next"], limit=4).ok()
    third = tenant.reader.get("/v1/events", after=second["next"], limit=4).ok()
    assert numbers(second["items"]) == [5, 6, 7, 8]
    assert numbers(third["items"]) == [9, 10]
    end = tenant.reader.get("/v1/events", after=third["next"]).ok()
    assert end["items"] == []
    tenant.sender.send(*numbered(1, first=11))
    assert numbers(tenant.reader.events(after=end["next"])) == [11]


@pytest.mark.parametrize("wait", [None, 1])
def test_a_reader_that_begins_with_nothing_can_follow(tenant: Tenant, wait: int | None) -> None:
    """REST alone is enough: from the first page on, ``next`` is the ``after`` of the next one."""
    page = tenant.reader.get("/v1/events", order="asc", wait=wait).ok()
    shown = page["items"]
    for first in (1, 4):
        tenant.sender.send(*numbered(3, first=first))
        page = tenant.reader.get("/v1/events", after=page["next"], wait=wait).ok()
        shown += page["items"]
    assert numbers(shown) == [1, 2, 3, 4, 5, 6]


def test_a_long_poll_answers_as_soon_as_something_comes(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(1))
    cursor = _cursor_of(tenant)
    answers: list[Any] = []

    def wait() -> None:
        started = time.monotonic()
        page = tenant.reader.get("/v1/events", after=cursor, wait=20, agent_id="awaited").ok()
        answers.append((time.monotonic() - started, page))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    tenant.sender.send(event("unrelated"))
    assert thread.is_alive()
    tenant.sender.send(event("awaited", data={"n": 7}))
    thread.join(30)
    [(waited, page)] = answers
    assert numbers(page["items"]) == [7]
    assert 0.4 < waited < 15


def test_a_long_poll_ends_empty_after_its_time(tenant: Tenant) -> None:
    with_cursor = _cursor_of(tenant)
    started = time.monotonic()
    page = tenant.reader.get("/v1/events", after=with_cursor, wait=1).ok()
    assert 0.9 < time.monotonic() - started < 10
    assert page["items"] == []
    assert page["next"]


def _cursor_of(tenant: Tenant) -> str:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        return str(viewer.live()["cursor"])


def test_a_cursor_beyond_all_that_is_stored_is_gone(tenant: Tenant) -> None:
    """As on the socket: we never gave it out, and waiting there would bring nothing for long."""
    known = Cursor.parse(_cursor_of(tenant))
    ahead = Cursor(known.epoch, tuple(offset + 1000 for offset in known.offsets))
    answer = tenant.reader.get("/v1/events", after=str(ahead))
    assert "epoch" in answer.problem(410, "cursor_gone")["detail"]
    answer = tenant.reader.get("/v1/stream", {"Last-Event-ID": str(ahead)})
    answer.problem(410, "cursor_gone")


def test_since_and_until_go_by_the_time_of_the_event(tenant: Tenant) -> None:
    start = clock.now() - timedelta(hours=10)
    batch = numbered(10)
    for hours, item in enumerate(batch):
        item["time"] = clock.rfc3339(start + timedelta(hours=hours))
    tenant.sender.send(*batch)
    since, until = batch[3]["time"], batch[7]["time"]
    for order in ("asc", "desc"):
        found = tenant.reader.events(order=order, since=since, until=until)
        assert sorted(numbers(found)) == [4, 5, 6, 7]
    assert sorted(numbers(tenant.reader.events(since=since))) == [4, 5, 6, 7, 8, 9, 10]
    assert sorted(numbers(tenant.reader.events(until=since))) == [1, 2, 3]
    local = since.replace("Z", "+00:00")
    assert numbers(tenant.reader.events(since=local, until=until, agent_id="worker-2")) == []
    pages = all_pages(tenant.reader, limit=2, order="asc", since=since)
    assert [numbers(page) for page in pages if page] == [[4, 5], [6, 7], [8, 9], [10]]


def test_by_trace(tenant: Tenant) -> None:
    tenant.sender.send(event(trace_id="one"), event(trace_id="two"), event())
    assert [item["trace_id"] for item in tenant.reader.events(trace_id="one")] == ["one"]


def test_one_event_by_its_id(tenant: Tenant, neighbour: Tenant) -> None:
    odd = "!~//?#[]@:%41+/x"
    tenant.sender.send(event(id="plain"), event(id=odd))
    for name in ("plain", odd):
        assert tenant.reader.get(f"/v1/events/{quote(name, safe='')}").ok()["id"] == name
    for path in ("/v1/events/never", "/v1/events/a%00b", "/v1/events/%ff%fe"):
        tenant.reader.get(path).problem(404, "not_found")
    neighbour.reader.get("/v1/events/plain").problem(404, "not_found")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "many"},
        {"limit": ""},
        {"order": "random"},
        {"wait": -1},
        {"wait": 26},
        {"wait": "nan"},
        {"since": "yesterday"},
        {"until": "2026-13-01T00:00:00Z"},
        {"after": "nonsense"},
        {"cursor": "nonsense"},
        {"after": "x" * 5000},
        {"severity": "fatal"},
        {"agent_id": "a\x00"},
        {"text": "a\x00"},
        {"text": "x" * 201},
        {"agent_id": ",".join(f"a{n}" for n in range(101))},
        {"agent": "worker-1"},
    ],
    ids=lambda query: str(query)[:40],
)
def test_queries_that_are_none_are_422_and_point_at_the_field(
    tenant: Tenant, query: dict[str, Any]
) -> None:
    problem = tenant.reader.get("/v1/events", **query).problem(422, "unprocessable")
    assert problem["errors"], problem
    [(name, _)] = query.items()
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointers[0] in {f"/{name}", "/"}


def test_after_goes_forward_only(tenant: Tenant) -> None:
    answer = tenant.reader.get("/v1/events", after=_cursor_of(tenant), order="desc")
    answer.problem(400, "bad_request")


def test_extreme_times_are_no_failure(tenant: Tenant) -> None:
    tenant.sender.send(event())
    assert len(tenant.reader.events(since="0001-01-01T00:00:00+23:59")) == 1
    assert tenant.reader.events(since="9999-12-31T23:59:59-23:59") == []


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/x", "/v1/stream", "/v1/ledger"])
def test_who_may_read(tenant: Tenant, path: str) -> None:
    Rest(tenant.url).get(path).problem(401, "unauthenticated")
    Rest(tenant.url, "tt_000000000000_" + "x" * 43).get(path).problem(401, "unauthenticated")
    Rest(tenant.url, tenant.keys[Role.AGENT]).get(path).problem(403, "forbidden")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.MANAGER, Role.OPERATOR, Role.ADMIN])
def test_roles_that_read(tenant: Tenant, role: Role) -> None:
    assert Rest(tenant.url, tenant.keys[role]).events() == []


def test_nothing_of_another_project_is_read(tenant: Tenant, neighbour: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent, "theirs") as theirs:
        theirs.events(1, *numbered(10, None))
        theirs.until_stored(10)
    neighbour.sender.send(event("ours"))
    assert [item["agent_id"] for item in neighbour.reader.events()] == ["ours"]
    assert neighbour.reader.events(agent_id="theirs") == []
    page = tenant.reader.get("/v1/events", order="asc", limit=3).ok()
    # Not even with the other's cursor.
    shown = neighbour.reader.events(after=page["next"])
    assert {item["agent_id"] for item in shown} <= {"ours"}


def test_the_same_id_in_two_projects_is_two_events(tenant: Tenant, neighbour: Tenant) -> None:
    moment = clock.rfc3339(clock.now())
    for project in (tenant, neighbour):
        sent = event(id="shared", time=moment, data={"project": project.name})
        assert project.sender.send(sent)["accepted"] == 1
    for project in (tenant, neighbour):
        found = project.reader.get("/v1/events/shared").ok()
        assert found["data"] == {"project": project.name}


def test_pages_of_large_events_are_shorter_and_none_is_left_out(
    tenant: Tenant, resident_bytes: Callable[[], int]
) -> None:
    for first in range(1, 401, 80):
        tenant.sender.send(*numbered(80, first=first, padding=60_000))
    before = resident_bytes()
    for order in ("asc", "desc"):
        pages = all_pages(tenant.reader, order=order, limit=1000)
        assert len(pages) > 1
        assert all(len(page) * 60_000 < 16 * 1024 * 1024 for page in pages)
        found = [number for page in pages for number in numbers(page)]
        assert sorted(found) == list(range(1, 401))
    assert resident_bytes() - before < 96 * 1024 * 1024
