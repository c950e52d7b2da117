"""CloudEvents as events of ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from werkzeug.datastructures import Headers

from app.api.cloudevents import is_binary, item_of_binary, item_of_structured
from app.core.errors import BadRequest
from app.domain.event import EventRejected, Rejected, read_item
from tests.unit.domain.json_documents import objects, written

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1",
    "source": "worker-7",
    "type": "tool.called",
}


def structured(**changes: Any) -> bytes:
    return json.dumps(EVENT | changes).encode()


def taken(raw: bytes) -> bytes:
    item = item_of_structured(raw)
    assert isinstance(item, bytes), item
    return item


def headers(**changes: str) -> Headers:
    return Headers({f"ce-{name}": value for name, value in (EVENT | changes).items()})


def test_the_source_is_the_agent_and_the_subject_the_task() -> None:
    time = "2026-11-23T10:00:00Z"
    raw = structured(time=time, subject="task-42", traceid="t1", severity="error", data={"a": 1})
    assert json.loads(taken(raw)) == {
        "id": "e1",
        "type": "tool.called",
        "agent_id": "worker-7",
        "time": time,
        "task_id": "task-42",
        "trace_id": "t1",
        "severity": "error",
        "data": {"a": 1},
    }


@given(written(objects))
def test_data_stays_the_bytes_that_were_sent(data: bytes) -> None:
    raw = structured()[:-1] + b',"data":' + data + b"}"
    incoming = read_item(taken(raw))
    assert bytes(incoming.data) == data
    incoming = read_item(item_of_binary(headers(), b"\n" + data + b" "))
    assert bytes(incoming.data) == data


def test_attributes_that_mean_nothing_here_are_let_pass() -> None:
    raw = structured(datacontenttype="application/json", dataschema="https://x", other=1)
    assert read_item(taken(raw)).id == "e1"


@pytest.mark.parametrize("raw", [b"{", b'{"specversion":"\xff"}', structured(subject="\ud800")])
def test_what_is_no_json_is_passed_on_to_be_refused_by_name(raw: bytes) -> None:
    assert item_of_structured(raw) == raw


@pytest.mark.parametrize(
    ("raw", "event_id", "pointer"),
    [
        (structured(specversion="0.3"), "e1", "/specversion"),
        (structured(data_base64="AA=="), "e1", "/data_base64"),
        (structured(source=None), "e1", "/source"),
        (structured(id=""), "", "/id"),
        (b'{"id":"e1","type":"x","agent_id":"worker-7"}', "e1", "/specversion"),
        (b'{"specversion":"1.0","id":"e1","type":"x"}', "e1", "/source"),
        (b"[]", None, ""),
    ],
)
def test_what_is_no_cloudevent_is_refused_as_such(
    raw: bytes, event_id: str | None, pointer: str
) -> None:
    refused = item_of_structured(raw)
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.id, refused.pointer) == ("invalid_event", event_id, pointer)
    assert refused.detail.startswith("CloudEvent: ")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (rb'{"text":"\ud800"}', "invalid_text"),
        (b"[" * 30_000 + b"]" * 30_000, "too_deep"),
        (b"{" + b" " * 80_000, "data_too_large"),
    ],
)
def test_data_beside_headers_is_judged_like_any_other(body: bytes, code: str) -> None:
    with pytest.raises(EventRejected) as refused:
        read_item(item_of_binary(headers(), body))
    assert (refused.value.rejected.code, refused.value.rejected.id) == (code, "e1")


def test_a_body_beside_headers_that_is_no_json_is_the_requests_fault() -> None:
    with pytest.raises(BadRequest):
        item_of_binary(headers(), b"{")


def test_an_event_in_headers_says_so() -> None:
    assert is_binary(headers())
    assert not is_binary(Headers({"content-type": "application/json"}))


def test_headers_are_read_whatever_their_case_and_percent_signs() -> None:
    given_headers = Headers(
        {
            "CE-SpecVersion": "1.0",
            "Ce-Id": "e%201",
            "ce-source": "worker-7",
            "ce-type": "x",
            "ce-subject": "%E2%82%AC",
        }
    )
    assert json.loads(item_of_binary(given_headers, b"")) == {
        "id": "e 1",
        "type": "x",
        "agent_id": "worker-7",
        "task_id": "€",
        "data": {},
    }


@pytest.mark.parametrize("missing", sorted(EVENT))
def test_a_missing_header_is_the_requests_fault(missing: str) -> None:
    lacking = headers()
    del lacking[f"ce-{missing}"]
    with pytest.raises(BadRequest, match=f"CloudEvent.*{missing}"):
        item_of_binary(lacking, b"{}")
