"""Configurations over REST: versions, merges, history, and the schema that they must meet."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

PATH = "/v1/agents/w/config"
WRITERS = 8
"""At once; more of them mostly refuse each other, which takes its time on two cores."""


@pytest.fixture
def manager(tenant: Tenant) -> Rest:
    """A manager in a project that has the agent w."""
    tenant.sender.send(event(agent_id="w"))
    return Rest(tenant.url, tenant.keys[Role.MANAGER])


@pytest.fixture
def admin(tenant: Tenant) -> Rest:
    return Rest(tenant.url, tenant.keys[Role.ADMIN])


def changes_told(manager: Rest, count: int) -> list[dict[str, Any]]:
    """The events of changed configurations, oldest first, once there are so many."""
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        found[:] = manager.events(type="config.changed", order="asc")
        return len(found) >= count

    wait_until(enough, timeout_s=10, what=lambda: f"{count} events, not {found}")
    return found


def test_a_configuration_is_written_read_and_told(manager: Rest) -> None:
    manager.get(PATH).problem(404, "not_found")
    first = manager.put(PATH, {"speed": 1.0, "a": True}, first=True)
    assert first.ok() == {"version": 1, "value": {"speed": 1.0, "a": True}}
    assert first.headers["etag"] == '"1"'
    again = manager.put(PATH, {"a": True, "speed": 1.0}, 1).ok()
    assert again["version"] == 1
    assert manager.put(PATH, {"a": 1, "speed": 1.0}, 1).ok()["version"] == 2
    assert manager.get(PATH).ok() == {"version": 2, "value": {"a": 1, "speed": 1.0}}
    told = changes_told(manager, 2)
    assert [(item["agent_id"], item["data"]["version"]) for item in told] == [("w", 1), ("w", 2)]
    assert told[0]["data"]["changed_by"].startswith("key:")


def test_versions(manager: Rest) -> None:
    manager.put(PATH, 1).problem(428, "precondition_required")
    nothing = manager.put(PATH, 1, 3).problem(412, "precondition_failed", "current_version")
    assert nothing["current_version"] == 0
    manager.put(PATH, 1, first=True).ok()
    exists = manager.put(PATH, 2, first=True)
    assert exists.problem(412, "precondition_failed", "current_version")["current_version"] == 1
    manager.put(PATH, 2, 7).problem(412, "precondition_failed", "current_version")
    manager.put(PATH, 2).problem(428, "precondition_required")
    assert manager.get(PATH).ok() == {"version": 1, "value": 1}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"{", 400, "bad_request"),
        (b'"\xff"', 400, "bad_request"),
        (b'{"a":"\\u0000"}', 422, "unprocessable"),
        (b'"\\ud800"', 400, "bad_request"),
        (b"[" * 65 + b"]" * 65, 422, "unprocessable"),
        (b'"' + b"x" * 2**21 + b'"', 413, "payload_too_large"),
    ],
)
def test_what_is_no_value_is_refused(manager: Rest, body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json", "If-None-Match": "*"}
    manager.request("PUT", PATH, body, headers).problem(status, code)
    manager.get(PATH).problem(404, "not_found")


def test_other_refusals(manager: Rest, tenant: Tenant, neighbour: Tenant) -> None:
    manager.put("/v1/agents/nobody/config", 1, first=True).problem(404, "not_found")
    manager.put(PATH, 1, first=True, merge="all").problem(422, "unprocessable")
    manager.request("PUT", PATH, b"1", {"If-None-Match": "*"}).problem(
        415, "unsupported_media_type"
    )
    manager.put(PATH, 1, first=True).ok()
    for path in ("/history/7", f"/history/{2**70}", "/diff?from=1&to=2"):
        manager.get(PATH + path).problem(404, "not_found")
    manager.get(f"{PATH}/diff").problem(422, "unprocessable")
    for role in (Role.VIEWER, Role.AGENT, Role.OPERATOR):
        Rest(tenant.url, tenant.keys[role]).put(PATH, 2, 1).problem(403, "forbidden")
    stranger = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    stranger.get(PATH).problem(404, "not_found")
    stranger.get(f"{PATH}/history/1").problem(404, "not_found")
    assert stranger.get(f"{PATH}/history").ok()["items"] == []
    stranger.put(PATH, 2, 1).problem(404, "not_found")
    assert manager.get(PATH).ok()["version"] == 1


def test_a_merge_keeps_what_it_overwrites(manager: Rest) -> None:
    manager.put(PATH, {"a": 1, "b": 1, "c": 1}, first=True).ok()
    manager.put(PATH, {"a": 2, "b": 2, "c": 1}, 1).ok()
    merged = manager.put(PATH, {"a": 3, "b": 1, "c": 9}, 1, merge="lww").ok()
    assert merged == {"version": 3, "value": {"a": 3, "b": 2, "c": 9}}
    newest = manager.get(f"{PATH}/history/3").ok()
    assert (newest["lost"], newest["value"]) == ({"/a": 2}, merged["value"])
    manager.put(PATH, {"a": 4}, merge="lww").problem(428, "precondition_required")
    manager.put(PATH, {"a": 4}, first=True, merge="lww").problem(
        412, "precondition_failed", "current_version"
    )
    manager.put(PATH, {"a": 4}, 9, merge="lww").problem(
        412, "precondition_failed", "current_version"
    )
    unchanged = manager.put(PATH, {"a": 2, "b": 2, "c": 1}, 2, merge="lww").ok()
    assert unchanged["version"] == 3


def test_history(manager: Rest) -> None:
    manager.put(PATH, {"a/b": 1, "c": [1]}, first=True).ok()
    manager.put(PATH, {"a/b": 2, "d": 0}, 1).ok()
    manager.put(PATH, [], 2).ok()
    first = manager.get(f"{PATH}/history", limit=2).ok()
    assert [item["version"] for item in first["items"]] == [3, 2]
    assert all(item["changed_by"].startswith("key:") for item in first["items"])
    second = manager.get(f"{PATH}/history", limit=2, cursor=first["next"]).ok()
    assert ([item["version"] for item in second["items"]], second["next"]) == ([1], None)
    assert manager.get(f"{PATH}/history/1").ok()["value"] == {"a/b": 1, "c": [1]}
    found = manager.get(PATH + "/diff?from=1&to=2").ok()
    assert found["differences"] == [
        {"path": "/a~1b", "before": 1, "after": 2},
        {"path": "/c", "before": [1]},
        {"path": "/d", "after": 0},
    ]


def test_who_writes_in_psql_is_told_of_too(manager: Rest, tenant: Tenant, engine: Engine) -> None:
    manager.put(PATH, {"a": 1}, first=True).ok()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE agent_configs SET value = '{\"a\": 5}' WHERE project_id = :project"),
            {"project": tenant.project_id},
        )
    assert manager.get(PATH).ok() == {"version": 2, "value": {"a": 5}}
    assert changes_told(manager, 2)[1]["data"] == {"version": 2, "changed_by": "database"}


def test_two_hundred_writers_lose_no_update(manager: Rest) -> None:
    manager.put(PATH, {"n": []}, first=True).ok()

    def write(n: int) -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            known = manager.get(PATH).ok()
            value = {"n": [*known["value"]["n"], n]}
            answer = manager.put(PATH, value, known["version"])
            if answer.status == 200:
                return
            answer.problem(412, "precondition_failed", "current_version")
        raise TimeoutError(n)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(200)))
    known = manager.get(PATH).ok()
    assert known["version"] == 201
    assert sorted(known["value"]["n"]) == list(range(200))


def test_first_writers_are_one(manager: Rest) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: manager.put(PATH, n, first=True), range(10)))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 9


def test_a_schema_must_be_met(manager: Rest, admin: Rest) -> None:
    path = "/v1/config-schema"
    schema = {"type": "object", "properties": {"speed": {"maximum": 9}}}
    manager.get(path).problem(404, "not_found")
    manager.put(path, schema, first=True).problem(403, "forbidden")
    admin.put(path, schema).problem(428, "precondition_required")
    [error] = admin.put(path, {"type": 5}, first=True).problem(422, "unprocessable")["errors"]
    assert error["pointer"] == "/type"
    made = admin.put(path, schema, first=True)
    assert (made.ok(), made.headers["etag"]) == (schema, '"1"')
    refused = manager.put(PATH, {"speed": 10}, first=True).problem(422, "unprocessable")
    assert [error["pointer"] for error in refused["errors"]] == ["/speed"]
    manager.put(PATH, {"speed": 9}, first=True).ok()
    admin.put(path, {**schema, "required": ["mode"]}, 1).ok()
    assert manager.get(path).headers["etag"] == '"2"'
    manager.put(PATH, {"speed": 8}, 1).problem(422, "unprocessable")
    admin.delete(path).problem(428, "precondition_required")
    admin.delete(path, 1).problem(412, "precondition_failed", "current_version")
    assert admin.delete(path, 2).status == 204
    manager.put(PATH, {"speed": 80}, 1).ok()


def test_a_schema_is_its_projects(admin: Rest, neighbour: Tenant) -> None:
    admin.put("/v1/config-schema", {"type": "object"}, first=True).ok()
    stranger = Rest(neighbour.url, neighbour.keys[Role.ADMIN])
    stranger.get("/v1/config-schema").problem(404, "not_found")
