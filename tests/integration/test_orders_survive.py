"""Commands while parts fail: a web process that is killed, messages that nobody hears."""

from __future__ import annotations

from redis import Redis
from sqlalchemy import Engine, text

from app.domain.access import Role
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration.agent_socket import AgentSocket
from tests.integration.conftest import web_beside
from tests.integration.rest import Rest
from tests.integration.samples import event
from tests.integration.tenants import Tenant

COMMANDS = "/v1/agents/w/commands"


def test_a_web_process_killed_before_it_noted_the_delivery_loses_nothing(
    spare: Stack, spare_engine: Engine, spare_tenant: Tenant
) -> None:
    spare_tenant.sender.send(event(agent_id="w"))
    manager = Rest(spare.url, spare_tenant.keys[Role.MANAGER])
    with web_beside(spare, "web-victim") as url:
        with (
            AgentSocket(url, spare_tenant.agent, "w") as socket,
            spare_engine.connect() as holding,
        ):
            command = manager.post(COMMANDS, {"name": "pause"}).ok(201)
            # Nobody can note anything about this command while its row is locked.
            holding.execute(
                text("SELECT FROM commands WHERE project_id = :project FOR UPDATE"),
                {"project": spare_tenant.project_id},
            )
            assert socket.expect("command")["id"] == command["command_id"]
            spare.kill("web-victim")
            holding.rollback()
        path = f"{COMMANDS}/{command['command_id']}"
        with AgentSocket(spare.url, spare_tenant.agent, "w") as socket:
            assert socket.expect("command")["id"] == command["command_id"]
            for _ in range(2):
                socket.send({"type": "command_ack", "id": command["command_id"], "status": "done"})
            wait_until(
                lambda: manager.get(path).ok()["state"] == "done",
                timeout_s=10,
                what=lambda: str(manager.get(path).ok()),
            )
        types = [item["type"] for item in manager.events(type="command.*", order="asc")]
        assert types.count("command.queued") == types.count("command.delivered") == 1


def test_a_command_whose_publish_was_lost_is_found_by_its_gap(
    spare: Stack, spare_tenant: Tenant
) -> None:
    spare_tenant.sender.send(event(agent_id="w"))
    manager = Rest(spare.url, spare_tenant.keys[Role.MANAGER])
    with AgentSocket(spare.url, spare_tenant.agent, "w") as socket:
        with Redis.from_url(spare.env["REDIS_URL"]) as redis:
            # Whoever listens is cut off, and hears nothing of what is told meanwhile.
            redis.client_kill_filter(_type="pubsub")
            command = manager.post(COMMANDS, {"name": "pause"}).ok(201)
            redis.client_kill_filter(_type="pubsub")
        assert socket.expect("command", 15)["id"] == command["command_id"]


def test_what_is_said_while_postgres_is_away_is_written_when_it_is_back(
    spare: Stack, spare_tenant: Tenant
) -> None:
    spare_tenant.sender.send(event(agent_id="w"))
    manager = Rest(spare.url, spare_tenant.keys[Role.MANAGER])
    with AgentSocket(spare.url, spare_tenant.agent, "w") as socket:
        paths = [manager.post(COMMANDS, {"name": name}).headers["location"] for name in ("a", "b")]
        ids = [socket.expect("command")["id"] for _ in paths]
        spare.stop("postgres")
        for command_id in ids:
            socket.send({"type": "command_ack", "id": command_id, "status": "done"})
        socket.send({"type": "ping"})
        socket.expect("pong")
        spare.start("postgres")
        spare.wait_ready()
        for path in paths:
            wait_until(
                lambda path=path: manager.get(path).ok()["state"] == "done",
                timeout_s=15,
                what=lambda path=path: str(manager.get(path).ok()),
            )
    wait_until(
        lambda: len(manager.events(type="command.done")) == len(paths), timeout_s=10, what=str
    )
