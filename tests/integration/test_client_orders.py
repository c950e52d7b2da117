"""The Python client and the server: commands carried out once, configurations pushed."""

from __future__ import annotations

from typing import Any

from telltale_client import Agent, Command, Config

from app.domain.access import Role
from launcher.waiting import wait_until
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

COMMANDS = "/v1/agents/w/commands"
CONFIG = "/v1/agents/w/config"


def ended(manager: Rest, command_id: str) -> dict[str, Any]:
    """A command, once it has come to its end."""
    found: dict[str, Any] = {}

    def at_its_end() -> bool:
        found.update(manager.get(f"{COMMANDS}/{command_id}").ok())
        return found["finished_at"] is not None

    wait_until(at_its_end, timeout_s=15, what=lambda: str(found))
    return found


def order(manager: Rest, name: str, **args: Any) -> str:
    command = manager.post(COMMANDS, {"name": name, "args": args}).ok(201)
    return str(command["command_id"])


def test_a_manager_leads_a_worker(tenant: Tenant, second_url: str) -> None:
    manager = Rest(tenant.url, tenant.keys[Role.MANAGER])
    manager.post("/v1/agents", {"agent_id": "w"}).ok(201)
    manager.put(CONFIG, {"depth": 3}, first=True).ok()
    early = order(manager, "count", to=2)
    ran: list[Command] = []

    def obey(command: Command) -> str:
        ran.append(command)
        if command.name != "count":
            raise ValueError(f"I do not know {command.name}.")
        return "".join(str(n) for n in range(command.args["to"]))

    with Agent(tenant.url, tenant.agent, "w", on_command=obey) as agent:
        done = ended(manager, early)
        assert (done["state"], done["detail"], done["deliveries"]) == ("done", "01", 1)
        assert agent.config == Config(1, {"depth": 3})
        manager.put(CONFIG, {"depth": 4}, 1).ok()
        wait_until(lambda: agent.config == Config(2, {"depth": 4}), timeout_s=5, what=str)
        failed = ended(manager, order(manager, "dig"))
        assert (failed["state"], failed["detail"]) == ("failed", "ValueError: I do not know dig.")
        assert ended(Rest(second_url, manager.key), order(manager, "pause"))["state"] == "done"
        assert agent.paused
        assert ended(manager, order(manager, "resume"))["state"] == "done"
        assert agent.wait_while_paused(5)
    assert [command.name for command in ran] == ["count", "dig"]
    told: list[str] = []

    def all_told() -> bool:
        told[:] = [item["type"] for item in manager.events(type="command.*", order="asc")]
        return told.count("command.done") == 3 and told.count("command.failed") == 1

    wait_until(all_told, timeout_s=10, what=lambda: str(told))
