"""Filters of a subscription and of ``GET /v1/events``: the same words, the same events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from launcher.stack import Stack
from tests.integration import tenants
from tests.integration.dashboard_socket import DashboardSocket
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

FILTERS: list[tuple[dict[str, Any], dict[str, str], set[int]]] = [
    ({}, {}, set(range(10))),
    ({"agent_ids": ["a"]}, {"agent_id": "a"}, {0, 1, 2}),
    ({"agent_ids": ["a", "b"]}, {"agent_id": "a,b"}, {0, 1, 2, 3, 4, 5}),
    ({"agent_ids": ["nobody"]}, {"agent_id": "nobody"}, set()),
    ({"agent_ids": []}, {}, set(range(10))),
    ({"types": ["task.started"]}, {"type": "task.started"}, {0, 3}),
    ({"types": ["task.*"]}, {"type": "task.*"}, {0, 1, 3, 6}),
    ({"types": ["task.*", "tool.called"]}, {"type": "task.*,tool.called"}, {0, 1, 2, 3, 6}),
    ({"types": ["task"]}, {"type": "task"}, {7}),
    ({"types": ["tas.*"]}, {"type": "tas.*"}, set()),
    ({"types": ["*"]}, {"type": "*"}, set()),
    ({"task_ids": ["t1"]}, {"task_id": "t1"}, {0, 1, 4}),
    ({"severity": "error"}, {"severity": "error"}, {2, 5}),
    ({"severity": ["error", "critical"]}, {"severity": "error,critical"}, {2, 5, 6}),
    ({"text": "NEEDLE"}, {"text": "NEEDLE"}, {4, 8}),
    ({"text": "task"}, {"text": "task"}, {0, 1, 3, 6, 7}),
    ({"text": "t1"}, {"text": "t1"}, {0, 1, 4}),
    ({"text": "100%_\\"}, {"text": "100%_\\"}, {9}),
    ({"text": "%"}, {"text": "%"}, {9}),
    ({"text": "\\u0000"}, {"text": "\\u0000"}, set()),
    ({"text": "ÄRGER"}, {"text": "ÄRGER"}, {9}),
    ({"text": "ärger"}, {"text": "ärger"}, {9}),
    (
        {"agent_ids": ["a"], "types": ["task.*"], "task_ids": ["t1"]},
        {"agent_id": "a", "type": "task.*", "task_id": "t1"},
        {0, 1},
    ),
]


WORDS = ["straße", "STRAẞE", "STRASSE", "istanbul", "İstanbul", "ISTANBUL", "ΟΔΟΣ", "οδος"]
FOUND = {
    "straße": {"straße", "STRAẞE"},
    "STRASSE": {"STRASSE"},
    "istanbul": {"istanbul", "İstanbul", "ISTANBUL"},
    "İSTANBUL": {"istanbul", "İstanbul", "ISTANBUL"},
    "ΟΔΟΣ": {"ΟΔΟΣ"},
    "οδος": {"οδος"},
}
"""Which of the words are found by a text: letters are made small one for one."""


def samples() -> list[dict[str, Any]]:
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("a", "task.started", {"task_id": "t1"}),
        ("a", "task.progress", {"task_id": "t1"}),
        ("a", "tool.called", {"severity": "error"}),
        ("b", "task.started", {"task_id": "t2"}),
        ("b", "llm.called", {"task_id": "t1", "data": {"deep": {"text": "a needle!"}}}),
        ("b", "llm.called", {"severity": "error", "trace_id": "x"}),
        ("c", "task.a.b", {"severity": "critical"}),
        ("c", "task", {}),
        ("needle", "llm.called", {}),
        ("c", "llm.called", {"data": {"rate": "100%_\\", "word": "ÄRGER"}}),
    ]
    return [event(agent, type=kind, **fields) for agent, kind, fields in rows]


@pytest.fixture(scope="module")
def filled(stack: Stack, engine: Engine) -> Iterator[tuple[Tenant, list[str]]]:
    """A project with the samples, and their ids."""
    tenant = tenants.create(engine, stack.url)
    batch = samples()
    tenant.sender.send(*batch)
    return tenant, [item["id"] for item in batch]


def _ids(filter_: Any) -> str:
    return str(filter_)[:60]


@pytest.mark.parametrize(("spec", "query", "expected"), FILTERS, ids=_ids)
def test_a_snapshot_and_a_page_hold_what_matches(
    filled: tuple[Tenant, list[str]],
    spec: dict[str, Any],
    query: dict[str, str],
    expected: set[int],
) -> None:
    tenant, ids = filled
    wanted = {ids[n] for n in expected}
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(filter=spec)
        assert {item["id"] for item in viewer.items["live"]} == wanted
    for order in ("asc", "desc"):
        assert {item["id"] for item in tenant.reader.events(order=order, **query)} == wanted


def test_live_frames_and_catch_up_hold_what_matches(tenant: Tenant) -> None:
    batch = samples()
    ids = [item["id"] for item in batch]
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live("everything")
        start = viewer.cursors["everything"]
        chosen = [FILTERS[0], *FILTERS[5:]]
        for number, (spec, _, _) in enumerate(chosen):
            viewer.live(f"f{number}", filter=spec)
        tenant.sender.send(*batch)
        viewer.until_shown(10, "everything")
        for number, (spec, _, expected) in enumerate(chosen):
            name = f"f{number}"
            viewer.until_shown(len(expected), name)
            wanted = {ids[n] for n in expected}
            assert {item["id"] for item in viewer.items[name]} == wanted, spec
            viewer.items[name].clear()
    for spec, _, expected in chosen:
        with DashboardSocket(tenant.url, tenant.viewer) as viewer:
            viewer.live(filter=spec, cursor=start)
            assert {item["id"] for item in viewer.items["live"]} == {ids[n] for n in expected}


def test_text_of_all_languages_is_found_live_as_in_history(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        for text in FOUND:
            viewer.live(text, filter={"text": text})
        viewer.live("everything")
        tenant.sender.send(*(event(data={"word": word}) for word in WORDS))
        viewer.until_shown(len(WORDS), "everything")
        viewer.linger(0.2)
        for text, words in FOUND.items():
            assert {item["data"]["word"] for item in viewer.items[text]} == words
            shown = tenant.reader.events(text=text)
            assert {item["data"]["word"] for item in shown} == words


def test_filters_of_agents_hold_for_agents_frames_too(tenant: Tenant) -> None:
    with DashboardSocket(tenant.url, tenant.viewer) as viewer:
        viewer.live(filter={"agent_ids": ["wanted"]})
        tenant.sender.send(event("other"))
        tenant.sender.send(event("wanted"))
        told = viewer.expect("agents")
        assert [item["agent_id"] for item in told["items"]] == ["wanted"]
