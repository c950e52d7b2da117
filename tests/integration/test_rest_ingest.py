"""``POST /v1/events``: every way to send events, and what the receipt says (protocol §3)."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.core import clock
from app.core.identifiers import uuid7
from tests.integration.rest import Rest
from tests.integration.samples import agent_name, event, numbered, numbers
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

NDJSON = "application/x-ndjson"


def test_one_event_is_accepted_and_stored(tenant: Tenant) -> None:
    sent = event(data={"answer": 42}, task_id="task-1", trace_id="trace-1", severity="warning")
    answer = tenant.sender.post("/v1/events", sent, {"Prefer": "wait=10"})
    assert answer.ok() == {"accepted": 1, "duplicates": 0, "rejected": [], "stored": True}
    assert answer.headers["preference-applied"] == "wait=10"
    stored = tenant.reader.get(f"/v1/events/{sent['id']}").ok()
    assert {name: stored[name] for name in sent} == sent
    assert stored.keys() - sent.keys() == {"partition", "offset", "received_at"}
    received = datetime.fromisoformat(stored["received_at"])
    assert abs(clock.now() - received) < timedelta(minutes=1)


def test_without_waiting_the_answer_is_202(tenant: Tenant) -> None:
    answer = tenant.sender.post("/v1/events", event())
    assert answer.ok(202) == {"accepted": 1, "duplicates": 0, "rejected": []}
    assert "preference-applied" not in answer.headers


def test_an_array_keeps_its_order(tenant: Tenant) -> None:
    assert tenant.sender.send(*numbered(200))["accepted"] == 200
    assert numbers(tenant.reader.events(order="asc", limit=1000)) == list(range(1, 201))


def test_ndjson_with_blank_lines_and_no_last_newline(tenant: Tenant) -> None:
    lines = [json.dumps(item).encode() for item in numbered(3)]
    body = b"\n" + b"\r\n \n".join(lines)
    answer = tenant.sender.post("/v1/events", body, {"Prefer": "wait=10"}, kind=NDJSON)
    assert answer.ok()["accepted"] == 3
    assert numbers(tenant.reader.events(order="asc")) == [1, 2, 3]


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", ""])
def test_json_by_any_of_its_names(tenant: Tenant, kind: str) -> None:
    tenant.sender.post("/v1/events", json.dumps(event()).encode(), kind=kind).ok(202)


def test_gzip(tenant: Tenant) -> None:
    body = gzip.compress(json.dumps(numbered(500)).encode())
    answer = tenant.sender.post(
        "/v1/events", body, {"Content-Encoding": "gzip"}, kind="application/json"
    )
    assert answer.ok(202)["accepted"] == 500


def test_gzip_in_several_members_is_one_body(tenant: Tenant) -> None:
    members = [gzip.compress(json.dumps(item).encode() + b"\n") for item in numbered(3)]
    headers = {"Content-Encoding": "gzip", "Prefer": "wait=10"}
    answer = tenant.sender.post("/v1/events", b"".join(members), headers, kind=NDJSON)
    assert answer.ok()["accepted"] == 3
    assert numbers(tenant.reader.events(order="asc")) == [1, 2, 3]


def test_a_chunked_body(tenant: Tenant) -> None:
    text = json.dumps(numbered(50)).encode()
    parts = iter([text[:100], text[100:101], text[101:]])
    assert (
        tenant.sender.post("/v1/events", parts, kind="application/json").ok(202)["accepted"] == 50
    )


def test_data_is_kept_byte_for_byte(tenant: Tenant) -> None:
    data = (
        '{ "b" : 1.0, "a":[1e5,\t-0 , 1e999],"é":"\\u00e9\\/ 😀 \\ud83d\\ude00","a":2,\n"c": {} }'
    )
    body = f'{{"id":"kept","type":"test.happened","agent_id":"worker-1","data":{data}}}'
    answer = tenant.sender.post(
        "/v1/events", body.encode(), {"Prefer": "wait=10"}, kind="application/json"
    )
    answer.ok()
    assert f'"data":{data}'.encode() in tenant.reader.get("/v1/events/kept").body


def test_what_is_left_out_is_filled_in(tenant: Tenant) -> None:
    tenant.sender.send({"type": "test.happened", "agent_id": "worker-1"})
    stored = tenant.reader.events()[0]
    assert UUID(stored["id"]).version == 7
    assert stored["data"] == {}
    assert stored["severity"] == "info"
    assert stored["task_id"] is None
    apart = datetime.fromisoformat(stored["received_at"]) - datetime.fromisoformat(stored["time"])
    assert abs(apart) < timedelta(seconds=1)


def test_a_uuid7_says_the_time(tenant: Tenant) -> None:
    name = str(uuid7())
    tenant.sender.send({"type": "test.happened", "agent_id": "worker-1", "id": name})
    milliseconds = int(name.replace("-", "")[:12], 16)
    stored = tenant.reader.events()[0]
    assert datetime.fromisoformat(stored["time"]) == datetime.fromtimestamp(
        milliseconds / 1000, UTC
    )


def test_a_time_with_another_offset_becomes_utc(tenant: Tenant) -> None:
    moment = clock.now().replace(microsecond=250_000)
    local = (moment + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"
    tenant.sender.send(event(time=local))
    assert tenant.reader.events()[0]["time"] == clock.rfc3339(moment)


def test_sent_again_it_is_a_duplicate(tenant: Tenant) -> None:
    batch = numbered(20)
    assert tenant.sender.send(*batch)["accepted"] == 20
    again = tenant.sender.send(*batch, event())
    assert (again["accepted"], again["duplicates"]) == (1, 20)
    assert len(tenant.reader.events()) == 21


def test_sent_twice_in_one_batch_it_is_kept_once(tenant: Tenant) -> None:
    sent = event()
    receipt = tenant.sender.send(sent, sent, sent)
    assert (receipt["accepted"], receipt["duplicates"]) == (1, 2)
    assert len(tenant.reader.events()) == 1


def test_the_same_id_of_two_agents_is_kept_once(tenant: Tenant) -> None:
    moment = clock.rfc3339(clock.now())
    tenant.sender.send(*[event(agent_name(), id="same", time=moment) for _ in range(10)])
    assert len(tenant.reader.events()) == 1


def test_the_same_batch_at_the_same_time_is_stored_once(tenant: Tenant, second_url: str) -> None:
    batch = numbered(100)
    receipts = []

    def send(url: str) -> None:
        receipts.append(Rest(url, tenant.agent).send(*batch))

    threads = [threading.Thread(target=send, args=(url,)) for url in (tenant.url, second_url) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 8
    assert sum(receipt["accepted"] for receipt in receipts) == 100
    assert sum(receipt["duplicates"] for receipt in receipts) == 700
    assert numbers(tenant.reader.events(order="asc", limit=1000)) == list(range(1, 101))


def test_events_of_many_agents_in_one_body(tenant: Tenant) -> None:
    agents = [agent_name() for _ in range(20)]
    batch = [event(name, data={"n": n}) for n in range(1, 51) for name in agents]
    assert tenant.sender.send(*batch)["accepted"] == 1000
    for name in agents:
        shown = tenant.reader.events(agent_id=name, order="asc")
        assert numbers(shown) == list(range(1, 51))


@pytest.mark.parametrize("wait", ["0", "10", "2.5", '"3"'])
def test_waits_that_are_good(tenant: Tenant, wait: str) -> None:
    answer = tenant.sender.post("/v1/events", event(), {"Prefer": f"wait={wait}"})
    assert answer.status == (202 if wait == "0" else 200)


def test_other_preferences_are_none_of_our_business(tenant: Tenant) -> None:
    preference = {"Prefer": "return=minimal, wait=10"}
    assert tenant.sender.post("/v1/events", event(), preference).ok()["stored"] is True


@pytest.mark.parametrize("wait", ["11", "-1", "soon", "nan", "inf", ""])
def test_waits_that_are_none(tenant: Tenant, wait: str) -> None:
    answer = tenant.sender.post("/v1/events", event(), {"Prefer": f"wait={wait}"})
    answer.problem(400, "bad_request")
    assert tenant.reader.events() == []
