"""CloudEvents 1.0 by REST: structured, in a batch, and in headers (§3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core import clock
from tests.integration.samples import agent_name, event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
WAIT = {"Prefer": "wait=10"}


def cloud_event(**fields: Any) -> dict[str, Any]:
    made = {
        "specversion": "1.0",
        "id": agent_name("id"),
        "source": "worker-1",
        "type": "tool.called",
        "subject": "task-1",
        "time": clock.rfc3339(clock.now()),
        "datacontenttype": "application/json",
        "data": {"n": 1},
    }
    return {**made, **fields}


def assert_kept(tenant: Tenant, sent: dict[str, Any]) -> None:
    stored = tenant.reader.get(f"/v1/events/{sent['id']}").ok()
    assert (stored["agent_id"], stored["task_id"]) == (sent["source"], sent["subject"])
    for name in ("type", "time", "data"):
        assert stored[name] == sent[name]


def test_a_structured_one(tenant: Tenant) -> None:
    sent = cloud_event()
    tenant.sender.post("/v1/events", sent, WAIT, kind=STRUCTURED).ok()
    assert_kept(tenant, sent)


def test_a_batch_with_one_that_is_none(tenant: Tenant) -> None:
    batch = [cloud_event(), {"specversion": "0.3", "id": "old"}, cloud_event()]
    receipt = tenant.sender.post("/v1/events", batch, WAIT, kind=BATCH).ok()
    assert receipt["accepted"] == 2
    assert [(r["index"], r["code"]) for r in receipt["rejected"]] == [(1, "invalid_event")]
    assert_kept(tenant, batch[0])
    assert_kept(tenant, batch[2])


def test_one_in_headers(tenant: Tenant) -> None:
    sent = cloud_event()
    headers = {
        f"ce-{name}": value
        for name, value in sent.items()
        if name not in {"data", "datacontenttype"}
    }
    body = json.dumps(sent["data"]).encode()
    tenant.sender.post("/v1/events", body, {**WAIT, **headers}, kind="application/json").ok()
    assert_kept(tenant, sent)


def test_an_event_of_ours_is_no_cloudevent(tenant: Tenant) -> None:
    problem = tenant.sender.post("/v1/events", event(), kind=STRUCTURED).problem(
        422, "unprocessable"
    )
    assert "specversion" in problem["errors"][0]["detail"]


def test_data_beside_headers_that_cannot_be_stored(tenant: Tenant) -> None:
    headers = {f"ce-{name}": str(cloud_event()[name]) for name in ("specversion", "id", "source")}
    answer = tenant.sender.post(
        "/v1/events", b'{"a":"\\ud800"}', {**headers, "ce-type": "a"}, kind="application/json"
    )
    assert answer.problem(422, "unprocessable")["errors"][0]["code"] == "invalid_text"


def test_headers_that_are_none(tenant: Tenant) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "x"}
    answer = tenant.sender.post("/v1/events", b"{}", headers, kind="application/json")
    answer.problem(400, "bad_request")
