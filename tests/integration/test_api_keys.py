"""API keys over REST: made, shown once, revoked; and the audit log that tells of it."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from app.domain.access import Role
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

PATH = "/v1/api-keys"
SOON_S = 8.0


@pytest.fixture
def admin(tenant: Tenant) -> Rest:
    return Rest(tenant.url, tenant.keys[Role.ADMIN])


def revoke(admin: Rest, key_id: str) -> int:
    return admin.request("DELETE", f"{PATH}/{key_id}").status


def test_a_key_from_its_making_to_its_end(admin: Rest, tenant: Tenant) -> None:
    answer = admin.post(PATH, {"name": "build box", "role": "agent"})
    made = answer.ok(201)
    key, key_id = made.pop("key"), made["key_id"]
    assert answer.headers["location"] == f"{PATH}/{key_id}"
    assert (made["name"], made["role"], made["revoked_at"]) == ("build box", "agent", None)
    sender = Rest(tenant.url, key)
    sender.send(event())
    sender.get(PATH).problem(403, "forbidden")
    shown = admin.get(f"{PATH}/{key_id}")
    assert shown.ok() == made
    listed = admin.get(PATH)
    assert made in listed.ok()["items"]
    secret = key.split("_", 2)[2].encode()
    assert secret not in shown.body + listed.body
    assert revoke(admin, key_id) == 204
    assert revoke(admin, key_id) == 204
    deadline = time.monotonic() + SOON_S
    while sender.post("/v1/events", event()).status != 401:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert admin.get(f"{PATH}/{key_id}").ok()["revoked_at"] is not None
    found = admin.get("/v1/audit", resource="api_key", resource_id=key_id)
    assert [entry["action"] for entry in found.ok()["items"]] == ["revoked", "created"]
    assert secret not in found.body


def test_a_retried_post_makes_one_key_and_tells_the_secret_once(
    admin: Rest, tenant: Tenant, engine: Engine
) -> None:
    headers = {"Idempotency-Key": uuid4().hex}
    body = {"name": "once", "role": "viewer"}
    first = admin.post(PATH, body, headers).ok(201)
    again = admin.post(PATH, body, headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.ok(201) == {**first, "key": None}
    assert [key["name"] for key in admin.get(PATH).ok()["items"]].count("once") == 1
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT body FROM idempotency_keys WHERE project_id = :project"),
            {"project": tenant.project_id},
        ).scalar_one()
    assert first["key"].split("_")[2].encode() not in bytes(kept)
    admin.post(PATH, {**body, "role": "admin"}, headers).problem(422, "idempotency_key_reused")


def test_a_list_goes_on_by_its_cursor(admin: Rest) -> None:
    made = [admin.post(PATH, {"name": f"{n}", "role": "agent"}).ok(201) for n in range(4)]
    whole = [key["key_id"] for key in admin.get(PATH).ok()["items"]]
    assert whole[:4] == [key["key_id"] for key in reversed(made)]
    found: list[str] = []
    cursor = None
    for _ in range(len(whole)):
        page = admin.get(PATH, limit=1, cursor=cursor).ok()
        found += [key["key_id"] for key in page["items"]]
        cursor = page["next"]
    assert (found, cursor) == (whole, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a\nb"},
        {"name": "\x00"},
        {"role": "x"},
        {"y": 1},
    ],
    ids=str,
)
def test_bad_fields(admin: Rest, wrong: dict[str, Any]) -> None:
    [field] = wrong
    problem = admin.post(PATH, {"name": "x", "role": "agent", **wrong}).problem(
        422, "unprocessable"
    )
    assert problem["errors"][0]["pointer"] == f"/{field}"


def test_keys_of_others_are_not_there(admin: Rest, neighbour: Tenant) -> None:
    key_id = neighbour.keys[Role.AGENT].split("_")[1]
    for name in (key_id, "nothing", "%F0%9F%98%80"):
        admin.get(f"{PATH}/{name}").problem(404, "not_found")
        assert revoke(admin, name) == 404
    neighbour.sender.send(event())


def test_the_audit_log_is_filtered_and_goes_on_by_its_cursor(admin: Rest, tenant: Tenant) -> None:
    other = Rest(tenant.url, admin.post(PATH, {"name": "o", "role": "admin"}).ok(201)["key"])
    made = [other.post(PATH, {"name": f"{n}", "role": "agent"}).ok(201) for n in range(3)]
    subject = f"key:{other.key.split('_')[1]}"
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = admin.get("/v1/audit", subject=subject, limit=2, cursor=cursor).ok()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [entry["resource_id"] for entry in found] == [key["key_id"] for key in reversed(made)]
    assert (
        found[0].items()
        >= {
            "subject": subject,
            "action": "created",
            "resource": "api_key",
            "detail": {"name": "2", "role": "agent"},
        }.items()
    )
    [first] = admin.get("/v1/audit", resource_id=made[0]["key_id"]).ok()["items"]
    assert first == found[-1]
    assert admin.get("/v1/audit", resource="task").ok()["items"] == []
    for query in ({"cursor": "x"}, {"cursor": "WyJ4Il0"}):
        admin.get("/v1/audit", **query).problem(400, "bad_request")
    admin.get("/v1/audit", action="x").problem(422, "unprocessable")
