"""An Idempotency-Key at its edges: claimed by somebody else, and past its day (§1)."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, text

from app.domain.access import Role
from app.storage import idempotency
from tests.integration.rest import Answer, Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

pytestmark = pytest.mark.e2e

PATH = "/v1/tasks"


class Retrying:
    """A manager that sends the same request again and again."""

    def __init__(self, tenant: Tenant) -> None:
        tenant.sender.send(event(agent_id="w"))
        self.rest = Rest(tenant.url, tenant.keys[Role.MANAGER])
        self.tenant = tenant
        self.key = uuid4().hex

    def create(self, **fields: object) -> Answer:
        body = {"title": "once", "agent_id": "w", **fields}
        return self.rest.post(PATH, body, {"Idempotency-Key": self.key})

    def tasks(self) -> int:
        return len(self.rest.get(PATH).ok()["items"])

    def claim(self, connection: Connection) -> None:
        """Stand where the first request with the key is still running."""
        assert idempotency.claim(connection, self.tenant.project_id, PATH, self.key)

    def grow_old(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE idempotency_keys SET created_at = now() - :kept WHERE key = :key"),
                {"kept": idempotency.KEPT_FOR, "key": self.key},
            )


@pytest.fixture
def retrying(tenant: Tenant) -> Retrying:
    return Retrying(tenant)


def test_while_the_first_is_running_the_second_is_told_to_come_again(
    retrying: Retrying, engine: Engine
) -> None:
    with engine.begin() as connection:
        retrying.claim(connection)
        answer = retrying.create()
        answer.problem(409, "idempotency_key_in_use")
        assert answer.headers["retry-after"] == "1"
        assert retrying.tasks() == 0
    retrying.create().ok(201)
    assert retrying.tasks() == 1


def test_a_key_that_is_past_its_day_is_a_new_one(retrying: Retrying, engine: Engine) -> None:
    first = retrying.create().ok(201)
    retrying.grow_old(engine)
    second = retrying.create()
    assert second.ok(201)["task_id"] != first["task_id"]
    assert "idempotency-replayed" not in second.headers
    again = retrying.create()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.ok(201) == second.json
    assert retrying.tasks() == 2
