"""One agent, several sockets: the newest goes on, the older ones are sent away for good (§4)."""

from __future__ import annotations

import pytest

from tests.integration.agent_socket import PATH, AgentSocket
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import Closed, Wire

pytestmark = pytest.mark.e2e

SAME_OR_OTHER = pytest.mark.parametrize("elsewhere", [False, True], ids=["same", "other"])


@pytest.fixture
def later_url(request: pytest.FixtureRequest, tenant: Tenant, elsewhere: bool) -> str:
    """Where the later socket is opened: at the same web process or at another."""
    return str(request.getfixturevalue("second_url")) if elsewhere else tenant.url


@SAME_OR_OTHER
@pytest.mark.parametrize("later", [1, 2], ids=["same incarnation", "higher incarnation"])
def test_a_later_socket_supersedes_an_older_one(tenant: Tenant, later_url: str, later: int) -> None:
    with AgentSocket(tenant.url, tenant.agent, incarnation=1) as older:
        older.events(1, event(None))
        older.until_stored(1)
        with AgentSocket(later_url, tenant.agent, incarnation=later) as newer:
            bye = older.bye()
            assert (bye["code"], bye["reconnect"]) == (4503, False)
            following = newer.welcome["logged"] + 1
            assert following == (2 if later == 1 else 1)
            newer.events(following, event(None))
            newer.until_stored(following)


@SAME_OR_OTHER
def test_an_older_incarnation_comes_too_late(tenant: Tenant, later_url: str) -> None:
    with (
        AgentSocket(tenant.url, tenant.agent, incarnation=7) as newer,
        Wire(later_url, PATH, key=tenant.agent) as older,
    ):
        older.send({"type": "hello", "agent_id": "worker-1", "role": "worker", "incarnation": 6})
        bye = older.bye()
        assert (bye["code"], bye["reconnect"]) == (4503, False)
        newer.events(1, event(None))
        newer.until_stored(1)


@SAME_OR_OTHER
def test_what_the_older_socket_still_sends_is_not_taken(tenant: Tenant, later_url: str) -> None:
    """Even before it hears that it was superseded: the log knows the newest incarnation."""
    old, new = numbered(50, None), numbered(50, None, first=100)
    with AgentSocket(tenant.url, tenant.agent, incarnation=1) as older:
        with AgentSocket(later_url, tenant.agent, incarnation=2) as newer:
            try:
                for seq, item in enumerate(old, start=1):
                    older.events(seq, item)
            except ConnectionError:
                pass
            newer.events(1, *new)
            newer.until_stored(50)
        with pytest.raises((AssertionError, Closed)):
            older.until_stored(50)
    assert numbers(tenant.reader.events(order="asc", limit=1000)) == list(range(100, 150))


def test_other_agents_and_other_projects_are_left_alone(tenant: Tenant, neighbour: Tenant) -> None:
    with (
        AgentSocket(tenant.url, tenant.agent, "worker-2") as other_agent,
        AgentSocket(neighbour.url, neighbour.agent, "worker-1") as other_project,
        AgentSocket(tenant.url, tenant.agent, "worker-1", incarnation=5),
        AgentSocket(tenant.url, tenant.agent, "worker-1", incarnation=6),
    ):
        for agent in (other_agent, other_project):
            agent.events(1, event(None))
            agent.until_stored(1)


def test_a_run_of_sockets_leaves_the_last(tenant: Tenant, second_url: str) -> None:
    urls = [tenant.url, second_url] * 5
    sockets = [
        AgentSocket(url, tenant.agent, incarnation=number) for number, url in enumerate(urls, 1)
    ]
    try:
        for older in sockets[:-1]:
            assert older.bye()["code"] == 4503
        sockets[-1].events(1, event(None))
        sockets[-1].until_stored(1)
    finally:
        for sock in sockets:
            sock.sock.close()
