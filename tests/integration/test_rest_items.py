"""``POST /v1/events``: an item that is refused is named, with its code; the rest is kept."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from tests.integration.samples import event, numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

MAX_DATA_BYTES = 64 * 1024


def shifted(**distance: float) -> str:
    return clock.rfc3339(clock.now() + timedelta(**distance))


def nested(depth: int) -> bytes:
    return b'{"id":"bad","type":"a","agent_id":"a","data":{"a":%s%s}}' % (
        b"[" * depth,
        b"]" * depth,
    )


def with_data(data: bytes, kind: bytes = b"test.happened") -> bytes:
    return b'{"id":"bad","type":"%s","agent_id":"worker-1","data":%s}' % (kind, data)


BAD: list[tuple[str, Any]] = [
    ("invalid_event", 42),
    ("invalid_event", None),
    ("invalid_event", "text"),
    ("invalid_event", []),
    ("invalid_event", {"id": "bad", "agent_id": "a"}),
    ("invalid_event", {"id": "bad", "type": "test.happened"}),
    ("invalid_event", event(id="bad", surprise=1)),
    ("invalid_event", event(id="bad", type="Upper.Case")),
    ("invalid_event", event(id="bad", type="a..b")),
    ("invalid_event", event(id="bad", type="a" * 65)),
    ("invalid_event", event(id="bad", type="line\n")),
    ("invalid_event", event(id="")),
    ("invalid_event", event(id="x" * 65)),
    ("invalid_event", event(id="two words")),
    ("invalid_event", event(id="ü")),
    ("invalid_event", event(id=7)),
    ("invalid_event", event("", id="bad")),
    ("invalid_event", event("a" * 129, id="bad")),
    ("invalid_event", event("two words", id="bad")),
    ("invalid_event", event(id="bad", severity="fatal")),
    ("invalid_event", event(id="bad", task_id="t" * 129)),
    ("invalid_event", event(id="bad", data=[])),
    ("invalid_event", event(id="bad", data="text")),
    ("invalid_event", event(id="bad", data=None)),
    ("invalid_event", event(id="bad", time="yesterday")),
    ("invalid_event", event(id="bad", time="2026-11-23T10:00:00")),
    ("invalid_event", event(id="bad", time=1_700_000_000)),
    ("invalid_event", event(id="bad", time="0000-01-01T00:00:00Z")),
    ("time_out_of_range", event(id="bad", time=shifted(hours=1))),
    ("time_out_of_range", event(id="bad", time=shifted(days=-31))),
    ("time_out_of_range", event(id="bad", time="0001-01-01T00:00:00+23:59")),
    ("time_out_of_range", event(id="bad", time="9999-12-31T23:59:59-23:59")),
    ("data_too_large", event(id="bad", data={"text": "x" * MAX_DATA_BYTES})),
    ("data_too_large", event(id="bad", data={"text": "x" * 1_000_000})),
    ("data_too_large", with_data(b'{"text":"%s"}' % (rb"\u0041" * 200_000))),
    ("invalid_text", with_data(rb'{"text":"\u0000"}')),
    ("invalid_text", with_data(rb'{"\u0000":1}')),
    ("invalid_text", with_data(rb'{"text":"\ud800"}')),
    ("invalid_text", with_data(rb'{"text":"\udc00 \ud800"}')),
    ("invalid_text", event(id="bad", task_id="a\x00b")),
    ("invalid_text", event(id="bad", trace_id="a\x00b")),
    ("invalid_text", b'{"id":"bad","type":"a","agent_id":"a","task_id":"\\ud800"}'),
    ("too_deep", nested(64)),
    ("too_deep", nested(30_000)),
    ("data_too_large", nested(100_000)),
    ("invalid_data", event(id="bad", type="agent.status", data={})),
    ("invalid_data", event(id="bad", type="agent.status", data={"status": 1})),
    ("invalid_data", event(id="bad", type="agent.log", data={"message": None})),
    ("invalid_data", event(id="bad", type="agent.metric", data={"cpu_pct": "high"})),
    ("invalid_data", with_data(b'{"cpu_pct":%s}' % (b"9" * 400), b"agent.metric")),
    ("invalid_data", event(id="bad", type="agent.registered", data={"role": "boss"})),
    ("invalid_data", event(id="bad", type="task.created", data={"title": "t" * 1001})),
]


def as_written(item: Any) -> bytes:
    return item if isinstance(item, bytes) else json.dumps(item).encode()


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("broken", [False, True], ids=["decoded", "cut out"])
def test_bad_items_are_named_and_their_neighbours_are_kept(
    tenant: Tenant, kind: str, broken: bool
) -> None:
    """An array is decoded at once, unless it holds what no decoder bears: then it is cut up."""
    bad = [(code, as_written(item)) for code, item in BAD]
    if not broken:
        bad = [(code, item) for code, item in bad if b"\\ud" not in item and b"[[[" not in item]
    good = numbered(len(bad) + 1)
    items = [as_written(good[0])]
    for (_, item), neighbour in zip(bad, good[1:], strict=True):
        items += item, as_written(neighbour)
    body = b"\n".join(items) if "nd" in kind else b"[" + b",".join(items) + b"]"
    answer = tenant.sender.post("/v1/events", body, {"Prefer": "wait=10"}, kind=kind).ok()
    assert answer["accepted"] == len(good)
    named = [(rejected["index"], rejected["code"]) for rejected in answer["rejected"]]
    assert named == [(2 * at + 1, code) for at, (code, _) in enumerate(bad)]
    assert all(rejected["detail"] for rejected in answer["rejected"])
    shown = tenant.reader.events(order="asc", limit=1000)
    assert numbers(shown) == list(range(1, len(good) + 1))


def test_the_id_of_a_refused_item_is_told(tenant: Tenant) -> None:
    bad = [event(id="first", severity="fatal"), event(id="second", data=1), event()]
    receipt = tenant.sender.post("/v1/events", bad).ok(202)
    assert [(r["index"], r["id"]) for r in receipt["rejected"]] == [(0, "first"), (1, "second")]


@pytest.mark.parametrize("broken", [b"{", b"{]", b"nothing", b'{"type":"a"}}', b"\x00"])
def test_a_broken_line_of_ndjson_is_named(tenant: Tenant, broken: bytes) -> None:
    first, last = (json.dumps(item).encode() for item in numbered(2))
    body = b"\n".join((first, broken, last))
    receipt = tenant.sender.post("/v1/events", body, kind="application/x-ndjson").ok(202)
    assert receipt["accepted"] == 2
    assert [(r["index"], r["code"]) for r in receipt["rejected"]] == [(1, "invalid_event")]


def test_everything_that_json_allows_in_data_is_stored(tenant: Tenant) -> None:
    """What is accepted must never be refused by PostgreSQL."""
    samples = [
        rb'"\u0001\u001f\u007f\uffff\ufffe\ud83d\ude00\\u0000\"\/\b\f\n\r\t"',
        '"\u2028\u2029\ufdd0\U0010ffff\x7f"'.encode(),
        b"[1e999,-1e999,1E+5,-0,-0.0,0.1e-9999," + b"9" * 5000 + b"]",
        b'{"":{"":{"":[]}},"a":1,"a":2}',
        b"[" * 62 + b"]" * 62,
        b" [ \t\n\r true , false , null ] ",
        b'"' + b"x" * 60_000 + b'"',
        b"[" + b",".join([b"{}"] * 20_000) + b"]",
    ]
    body = b"[" + b",".join(
        b'{"id":"s%d","type":"a.b","agent_id":"w","data":{"v":%s}}' % (number, sample)
        for number, sample in enumerate(samples)
    ) + b"]"  # fmt: skip
    answer = tenant.sender.post(
        "/v1/events", body, {"Prefer": "wait=10"}, kind="application/json"
    ).ok()
    assert answer["accepted"] == len(samples), answer
    for number, sample in enumerate(samples):
        shown = tenant.reader.get(f"/v1/events/s{number}")
        assert shown.status == 200, shown.body
        assert b'"data":{"v":%s}' % sample in shown.body
    assert tenant.reader.get("/v1/ledger").ok()["dead"] == 0
