"""The agent socket: hello, welcome, acks in two levels, and going on after a break (§4)."""

from __future__ import annotations

import pytest

from app.core import clock
from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.rest import Rest
from tests.integration.samples import agent_name, event, numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import Message

pytestmark = pytest.mark.e2e


def stored_numbers(tenant: Tenant, agent_id: str) -> list[int]:
    return numbers(tenant.reader.events(agent_id=agent_id, order="asc", limit=1000))


def assert_cumulative(messages: list[Message]) -> None:
    """Acks never go back, and nothing is stored that is not logged."""
    assert {message["type"] for message in messages} == {"ack"}
    states = [(message["logged"], message["stored"]) for message in messages]
    assert all(logged >= stored for logged, stored in states)
    assert states == sorted(states)


def test_the_welcome_says_where_to_go_on_and_what_is_allowed(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        welcome = agent.welcome
    assert welcome.keys() == {
        "type", "connection", "stored", "logged", "ping_interval_s", "limits", "config",
    }  # fmt: skip
    assert (welcome["stored"], welcome["logged"]) == (0, 0)
    assert welcome["ping_interval_s"] == 20
    assert welcome["limits"] == {
        "events_per_frame": 1000,
        "frame_bytes": 1024 * 1024,
        "data_bytes": 64 * 1024,
        "events_per_s": 1000,
        "burst": 5000,
    }
    assert welcome["config"] == {"version": 0, "value": {}}


@pytest.mark.parametrize(
    "hello",
    [
        {"role": "manager"},
        {"name": "Worker Seven"},
        {"name": None, "meta": None},
        {"meta": {"host": "box-1", "versions": [1, 2.5, None], "text": "ü"}},
        {"incarnation": 1_795_000_000_000},
        {"incarnation": 2**53 - 1},
    ],
)
def test_hellos_that_are_good(tenant: Tenant, hello: Message) -> None:
    with AgentSocket(tenant.url, tenant.agent, **hello) as agent:
        agent.events(1, event(None))
        agent.until_stored(1)


def test_events_are_acknowledged_as_logged_and_then_as_stored(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *numbered(10, None))
        assert_cumulative(agent.until_stored(10))
        agent.events(11, *numbered(5, None, first=11))
        assert_cumulative(agent.until_stored(15))
    assert stored_numbers(tenant, "worker-1") == list(range(1, 16))


def test_an_event_needs_nothing_but_a_type(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, {"type": "test.happened"}, {"type": "a", "agent_id": "worker-1"})
        agent.until_stored(2)
    assert [shown["agent_id"] for shown in tenant.reader.events()] == ["worker-1"] * 2


def test_many_frames_in_one_write_are_kept_in_order(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        for n, item in enumerate(numbered(500, None), start=1):
            agent.events(n, item)
        assert_cumulative(agent.until_stored(500))
    assert stored_numbers(tenant, "worker-1") == list(range(1, 501))


def test_a_frame_may_have_a_thousand_events(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *numbered(1000, None))
        agent.until_stored(1000)
    assert stored_numbers(tenant, "worker-1") == list(range(1, 1001))


def test_an_empty_frame_is_nothing(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1)
        agent.events(1, event(None))
        agent.until_stored(1)


def test_data_is_kept_byte_for_byte(tenant: Tenant) -> None:
    data = '{ "b" : 1.0,\r\n "a":[1e5,\t-0 , 1e999],"é":"\\u00e9\\/ 😀","a":2 }'
    frame = f'{{"type":"events","seq":1,"items":[{{"type":"a","id":"kept","data":{data}}}]}}'
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.send_frame(0x1, frame.encode())
        agent.until_stored(1)
    assert f'"data":{data}'.encode() in tenant.reader.get("/v1/events/kept").body


def test_after_a_break_it_goes_on_behind_what_is_stored(tenant: Tenant, second_url: str) -> None:
    batch = numbered(30, None)
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *batch[:10])
        agent.until_stored(10)
        agent.events(11, *batch[10:20])
    with AgentSocket(second_url, tenant.agent) as agent:
        stored = agent.welcome["stored"]
        assert 10 <= stored <= agent.welcome["logged"] <= 20
        agent.events(stored + 1, *batch[stored:])
        agent.until_stored(30)
    assert stored_numbers(tenant, "worker-1") == list(range(1, 31))


def test_a_new_incarnation_counts_from_one_and_an_id_is_still_kept_once(tenant: Tenant) -> None:
    batch = numbered(10, None)
    with AgentSocket(tenant.url, tenant.agent, incarnation=5) as agent:
        agent.events(1, *batch[:5])
        agent.until_stored(5)
    with AgentSocket(tenant.url, tenant.agent, incarnation=6) as agent:
        assert (agent.welcome["stored"], agent.welcome["logged"]) == (0, 0)
        agent.events(1, *batch)
        agent.until_stored(10)
    assert stored_numbers(tenant, "worker-1") == list(range(1, 11))


def test_the_socket_and_rest_know_of_each_others_events(tenant: Tenant) -> None:
    batch = numbered(10, "worker-1")
    assert tenant.sender.send(*batch[:5])["accepted"] == 5
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, *batch)
        agent.until_stored(10)
    assert tenant.sender.send(*batch)["duplicates"] == 10
    assert stored_numbers(tenant, "worker-1") == list(range(1, 11))


def test_hello_makes_an_agent_known(tenant: Tenant) -> None:
    name = agent_name()
    tenant.sender.send(event(name))
    with (
        AgentSocket(tenant.url, tenant.agent, name, role="manager", name="The boss"),
        DashboardSocket(tenant.url, tenant.viewer) as viewer,
    ):
        viewer.live()
        [shown] = viewer.of_kind("snapshot")[0]["agents"]
    assert (shown["agent_id"], shown["name"], shown["role"]) == (name, "The boss", "manager")
    assert shown["liveness"] == "online"
    assert shown["events"] == 1


def test_pings_are_answered(tenant: Tenant) -> None:
    with AgentSocket(tenant.url, tenant.agent) as agent:
        for _ in range(5):
            agent.send({"type": "ping"})
            assert agent.expect("pong") == {"type": "pong"}


def test_a_time_of_ones_own_is_kept(tenant: Tenant) -> None:
    moment = clock.rfc3339(clock.now())
    with AgentSocket(tenant.url, tenant.agent) as agent:
        agent.events(1, event(None, time=moment))
        agent.until_stored(1)
    assert Rest(tenant.url, tenant.viewer).events()[0]["time"] == moment
