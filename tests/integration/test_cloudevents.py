"""CloudEvents 1.0 in their three forms become events, and refusals name what was wrong."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from app.core.identifiers import uuid7
from launcher.stack import Stack


def post(stack: Stack, body: Any, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{stack.url}/v1/events",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {stack.admin_key}",
            "Prefer": "wait=10",
            **headers,
        },
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def stored(stack: Stack, event_id: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{stack.url}/v1/events/{event_id}",
        headers={"Authorization": f"Bearer {stack.admin_key}"},
    )
    with urllib.request.urlopen(request) as answer:
        event: dict[str, Any] = json.load(answer)
        return event


def cloud_event(**attributes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid7()),
        "source": "cloud-agent",
        "type": "tool.called",
        "subject": "task-9",
        "severity": "warning",
        "someextension": "let pass",
        "data": {"tool": "search"},
        **attributes,
    }


def test_a_structured_event_is_stored_as_an_event_of_ours(stack: Stack) -> None:
    given = cloud_event()
    status, receipt = post(stack, given, {"Content-Type": "application/cloudevents+json"})
    assert (status, receipt["accepted"], receipt["stored"]) == (200, 1, True)
    event = stored(stack, given["id"])
    assert event["agent_id"] == "cloud-agent"
    assert event["task_id"] == "task-9"
    assert event["severity"] == "warning"
    assert event["data"] == {"tool": "search"}


def test_a_batch_names_what_is_no_cloud_event_and_takes_the_rest(stack: Stack) -> None:
    good, bad = cloud_event(), cloud_event(specversion="0.3")
    status, receipt = post(
        stack, [good, bad], {"Content-Type": "application/cloudevents-batch+json"}
    )
    assert (status, receipt["accepted"]) == (200, 1)
    assert [(item["index"], item["id"]) for item in receipt["rejected"]] == [(1, bad["id"])]


def test_a_binary_event_has_its_attributes_in_the_headers(stack: Stack) -> None:
    event_id = str(uuid7())
    headers = {
        "Content-Type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": event_id,
        "ce-source": "binary%2Dagent",
        "ce-type": "agent.log",
    }
    status, _ = post(stack, {"message": "hello"}, headers)
    assert status == 200
    event = stored(stack, event_id)
    assert (event["agent_id"], event["data"]) == ("binary-agent", {"message": "hello"})

    del headers["ce-source"]
    status, problem = post(stack, {"message": "hello"}, headers)
    assert (status, problem["code"]) == (400, "bad_request")
    assert "source" in problem["detail"]
