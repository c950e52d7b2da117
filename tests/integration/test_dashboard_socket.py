"""The dashboard socket: a snapshot, then everything that follows, once and in order (§5)."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.integration.agent_socket import AgentSocket
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import agent_name, event, numbered, numbers
from tests.integration.tenants import Tenant
from tests.integration.wire import TEXT, Message

pytestmark = pytest.mark.e2e


def kinds(messages: list[Message]) -> list[str]:
    """The kinds of messages in their order, without what comes at any time."""
    return [m["type"] for m in messages if m["type"] not in {"heads", "agents"}]


def test_an_empty_project_is_an_empty_snapshot(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        assert kinds(viewer.seen) == ["welcome", "snapshot", "caught_up"]
        assert viewer.welcome["ping_interval_s"] == 20
        assert viewer.welcome["epoch"]
        [snapshot] = viewer.of_kind("snapshot")
        assert snapshot["id"] == "live"
        assert (snapshot["agents"], snapshot["tasks"], snapshot["events"]) == ([], [], [])


def test_a_snapshot_holds_the_newest_events_oldest_first_and_live_follows(tenant: Tenant) -> None:
    tenant.sender.send(*numbered(250))
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        [snapshot] = viewer.of_kind("snapshot")
        assert numbers(snapshot["events"]) == list(range(51, 251))
        [agent] = snapshot["agents"]
        assert (agent["agent_id"], agent["events"]) == ("worker-1", 250)
        tenant.sender.send(*numbered(30, first=251))
        assert numbers(viewer.until_shown(230)) == list(range(51, 281))


def test_a_shown_event_is_the_stored_event(tenant: Tenant) -> None:
    sent = event(data={"a": [1, {"b": None}]}, task_id="t", trace_id="x", severity="error")
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        tenant.sender.send(sent)
        [shown] = viewer.until_shown(1)
    assert shown == tenant.reader.get(f"/v1/events/{sent['id']}").ok()
    assert {name: shown[name] for name in sent} == sent


def test_data_is_shown_byte_for_byte(tenant: Tenant) -> None:
    data = '{ "b" : 1.0, "a":[1e5,\\t-0 ],"é":"\\u00e9\\/ 😀","a":2 }'.replace("\\t", "\t")
    body = f'{{"type":"a","agent_id":"w","data":{data}}}'.encode()
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        tenant.sender.post("/v1/events", body, kind="application/json").ok(202)
        while b'"type":"events"' not in (frame := viewer.receive()).payload:
            pass
    assert f'"data":{data}'.encode() in frame.payload


def test_all_viewers_of_all_processes_see_the_same(tenant: Tenant, second_url: str) -> None:
    agents = [agent_name() for _ in range(5)]
    batch = [event(name, data={"n": n}) for n in range(1, 101) for name in agents]
    with (
        DashboardSocket(tenant.url, tenant.viewer) as one,
        DashboardSocket(tenant.url, tenant.viewer) as two,
        DashboardSocket(second_url, tenant.viewer) as other,
    ):
        viewers = [one, two, other]
        for viewer in viewers:
            viewer.live()
        for at in range(0, 500, 50):
            tenant.sender.post("/v1/events", batch[at : at + 50]).ok(202)
        for viewer in viewers:
            shown = viewer.until_shown(500)
            assert len(shown) == 500
            for name in agents:
                of_agent = [item for item in shown if item["agent_id"] == name]
                assert numbers(of_agent) == list(range(1, 101))
            for partition in {item["partition"] for item in shown}:
                offsets = [item["offset"] for item in shown if item["partition"] == partition]
                assert offsets == sorted(set(offsets))


def test_another_projects_events_and_agents_are_invisible(
    tenant: Tenant, neighbour: Tenant
) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        with AgentSocket(neighbour.url, neighbour.agent, "theirs") as theirs:
            theirs.events(1, *numbered(20, None))
            theirs.until_stored(20)
        neighbour.sender.send(event("theirs"))
        tenant.sender.send(event("ours"))
        viewer.until_shown(1)
        viewer.expect("agents")
        text = json.dumps(viewer.seen)
    assert "ours" in text
    assert "theirs" not in text
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(filter={"agent_ids": ["theirs"]})
        assert viewer.items["live"] == []
        assert viewer.of_kind("snapshot")[0]["agents"] == []


def test_an_agents_changes_are_told(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live()
        with AgentSocket(tenant.url, tenant.agent, role="manager", name="Boss") as agent:
            told = viewer.expect("agents")
            assert told["id"] == "live"
            [shown] = told["items"]
            assert (shown["agent_id"], shown["role"], shown["name"]) == (
                "worker-1",
                "manager",
                "Boss",
            )
            assert shown["liveness"] == "online"
            agent.events(
                1,
                {"type": "agent.status", "data": {"status": "working", "note": "on it"}},
                {"type": "agent.metric", "data": {"cpu_pct": 12.5, "memory_bytes": 1000}},
                {"type": "task.started", "task_id": "task-9", "severity": "warning"},
            )
            shown = viewer.until(lambda m: m["type"] == "agents" and m["items"][0]["events"] == 3)[
                "items"
            ][0]
    assert (shown["status"], shown["note"]) == ("working", "on it")
    assert (shown["cpu_pct"], shown["memory_bytes"]) == (12.5, 1000)
    assert (shown["task_id"], shown["last_event_type"]) == ("task-9", "task.started")
    assert shown["last_event_severity"] == "warning"


def test_changes_by_rest_are_told_also_while_sockets_send(tenant: Tenant) -> None:
    """All in one partition's batch: what came by REST must not be overlooked."""
    with (
        DashboardSocket(tenant.url, tenant.viewer) as viewer,
        AgentSocket(tenant.url, tenant.agent, "by-socket") as agent,
    ):
        viewer.live()
        told: dict[str, Message] = {}
        names = [f"by-rest-{n}" for n in range(30)]
        deadline = time.monotonic() + 20
        seq = 1
        tenant.sender.post("/v1/events", [event(name) for name in names]).ok(202)
        while len(told) < 31:
            assert time.monotonic() < deadline, sorted(told)
            agent.events(seq, event(None))
            seq += 1
            message = viewer.next()
            if message["type"] == "agents":
                told.update({item["agent_id"]: item for item in message["items"]})
        assert told.keys() == {*names, "by-socket"}


def test_heads_come_even_when_nothing_matches(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(filter={"types": ["never.sent"]})
        tenant.sender.send(*numbered(10))
        cursors = {viewer.expect("heads")["cursor"] for _ in range(2)}
        assert viewer.items["live"] == []
        viewer.live("again", cursor=cursors.pop())
        assert viewer.items["again"] == []


def test_pings_are_answered(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.send({"type": "ping"})
        assert viewer.expect("pong") == {"type": "pong"}


def test_several_subscriptions_each_with_its_own_filter(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live("all")
        viewer.live("one", filter={"agent_ids": ["worker-1"]})
        viewer.live("two", filter={"agent_ids": ["worker-2"]})
        tenant.sender.send(*numbered(5, "worker-1"), *numbered(7, "worker-2"))
        assert len(viewer.until_shown(12, "all")) == 12
        assert numbers(viewer.until_shown(5, "one")) == [1, 2, 3, 4, 5]
        assert numbers(viewer.until_shown(7, "two")) == [1, 2, 3, 4, 5, 6, 7]


def test_an_ended_subscription_is_silent(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live("ended")
        viewer.live("kept")
        viewer.send({"type": "unsubscribe", "id": "ended"})
        viewer.send({"type": "unsubscribe", "id": "never was"})
        viewer.send({"type": "ping"})
        viewer.expect("pong")
        tenant.sender.send(*numbered(5))
        assert len(viewer.until_shown(5, "kept")) == 5
        assert viewer.items["ended"] == []


def test_a_subscription_of_the_same_name_takes_the_place_of_the_older(tenant: Tenant) -> None:
    names = [f"agent-{n}" for n in range(15)]
    tenant.sender.send(*[item for name in names for item in numbered(20, name)])
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        for name in names:
            viewer.subscribe(filter={"agent_ids": [name]})
        viewer.send({"type": "ping"})
        tenant.sender.send(*[event(name, data={"n": 21}) for name in names])
        while [item["data"]["n"] for item in viewer.items["live"][-1:]] != [21]:
            viewer.next()
        viewer.linger(0.5)
    last = max(at for at, message in enumerate(viewer.seen) if message["type"] == "snapshot")
    shown = [
        item
        for message in viewer.seen[last:]
        for item in message.get("items", message.get("events", []))
        if "data" in item
    ]
    assert {item["agent_id"] for item in shown} == {names[-1]}
    assert numbers(shown) == list(range(1, 22))


@pytest.mark.parametrize(
    "frame",
    [
        {},
        [],
        {"type": "hello"},
        {"type": "events", "seq": 1, "items": []},
        {"type": "subscribe"},
        {"type": "subscribe", "id": ""},
        {"type": "subscribe", "id": "x" * 65},
        {"type": "subscribe", "id": 7},
        {"type": "subscribe", "id": "a", "mode": "some"},
        {"type": "subscribe", "id": "a", "cursor": 7},
        {"type": "subscribe", "id": "a", "cursor": "x" * 9000},
        {"type": "subscribe", "id": "a", "extra": 1},
        {"type": "subscribe", "id": "a", "filter": []},
        {"type": "subscribe", "id": "a", "filter": {"agents": ["x"]}},
        {"type": "subscribe", "id": "a", "filter": {"agent_ids": "x"}},
        {"type": "subscribe", "id": "a", "filter": {"agent_ids": ["a\x00"]}},
        {"type": "subscribe", "id": "a", "filter": {"task_ids": ["a\x00"]}},
        {"type": "subscribe", "id": "a", "filter": {"types": ["a\x00.*"]}},
        {"type": "subscribe", "id": "a", "filter": {"text": "a\x00"}},
        {"type": "subscribe", "id": "a", "filter": {"text": "x" * 201}},
        {"type": "subscribe", "id": "a", "filter": {"agent_ids": ["x" * 129]}},
        {"type": "subscribe", "id": "a", "filter": {"agent_ids": [f"a{n}" for n in range(101)]}},
        {"type": "subscribe", "id": "a", "filter": {"severity": "fatal"}},
        {"type": "subscribe", "id": "a", "filter": {"severity": ["info", "fatal"]}},
        {"type": "unsubscribe"},
        {"type": "ping", "extra": 1},
    ],
    ids=lambda value: json.dumps(value)[:70],
)
def test_frames_that_are_none_end_the_connection(tenant: Tenant, frame: Any) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.send(frame)
        bye = viewer.bye()
    assert (bye["code"], bye["reconnect"]) == (4501, False)


@pytest.mark.parametrize(
    "raw", [b"", b"subscribe", b"[" * 500_000, rb'{"type":"subscribe","id":"\ud800"}']
)
def test_text_that_is_no_frame_ends_the_connection(tenant: Tenant, raw: bytes) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.send_frame(TEXT, raw)
        assert viewer.bye()["code"] == 4501


def test_there_are_twenty_subscriptions_at_most(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        for n in range(20):
            viewer.live(f"s{n}")
        viewer.live("s0")
        viewer.subscribe("one more")
        bye = viewer.bye()
    assert (bye["code"], bye["reconnect"]) == (4504, False)


def test_a_viewer_that_talks_too_much_is_sent_away_for_a_while(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        for _ in range(201):
            viewer.send({"type": "ping"})
        bye = viewer.bye()
    assert (bye["code"], bye["reconnect"]) == (4008, True)


def test_silence_ends_the_connection(tenant: Tenant, impatient_url: str) -> None:
    with DashboardSocket(impatient_url, tenant.viewer) as viewer:
        viewer.live()
        started = time.monotonic()
        bye = viewer.bye()
    assert (bye["code"], bye["reconnect"]) == (4012, True)
    assert 1.5 < time.monotonic() - started < 10
