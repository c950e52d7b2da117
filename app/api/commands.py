"""Commands: given to agents by managers, and what became of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.api.change import Change, Changes, Work
from app.api.description.operation import ListOf, described
from app.api.listing import answer, as_json, unseal
from app.core.errors import Conflict, NotFound
from app.core.identifiers import uuid7
from app.domain.access import Permission
from app.domain.command import Command, event_data
from app.schemas.commands import CommandsQuery, NewCommand
from app.storage import commands

MAX_OPEN: Final = 1000
"""Commands that may wait for one agent."""


class TooManyCommands(Conflict):
    """So many commands wait for this agent that it will not take more."""

    code, title = "too_many_commands", "Too many commands wait for this agent"


def create_blueprint(authenticator: Authenticator, engine: Engine, changes: Changes) -> Blueprint:
    """The routes under ``/v1/agents/{id}/commands``."""
    blueprint = Blueprint("commands", __name__, description="What agents are ordered to do.")
    path = "/v1/agents/<path:agent_id>/commands"

    @blueprint.route(path)
    class Commands(MethodView):
        @blueprint.arguments(CommandsQuery, location="query", unknown=RAISE)
        @described("list_commands", Permission.READ, {200: ListOf(Command)}, own=True)
        def get(self, query: dict[str, Any], agent_id: str) -> Response:
            """Commands of an agent, newest first."""
            identity = authenticator.reader(request, agent_id)
            limit = query["limit"]
            with engine.connect() as connection:
                found = commands.page(
                    connection,
                    identity.project_id,
                    agent_id,
                    limit=limit + 1,
                    before=unseal(query.get("cursor"), tuple[datetime, UUID]),
                    states=query["states"],
                )
            return answer(found, limit, lambda command: (command.created_at, command.command_id))

        @blueprint.arguments(NewCommand)
        @described("give_command", Permission.MANAGE, {201: Command}, creates=True, located=True)
        def post(self, fields: dict[str, Any], agent_id: str) -> Response:
            """Give an agent a command; it waits for an agent that is away."""
            identity = authenticator.request(request, Permission.MANAGE)
            return changes.run(request, identity, _order(agent_id, fields))

    @blueprint.route(f"{path}/<uuid:command_id>")
    class OneCommand(MethodView):
        @described("get_command", Permission.READ, {200: Command}, own=True)
        def get(self, agent_id: str, command_id: UUID) -> Response:
            """One command as it is now."""
            identity = authenticator.reader(request, agent_id)
            with engine.connect() as connection:
                found = commands.find(connection, identity.project_id, agent_id, command_id)
            if found is None:
                raise NotFound("There is no such command of this agent.")
            return as_json(found)

    return blueprint


def _order(agent_id: str, fields: dict[str, Any]) -> Work:
    def work(change: Change) -> Response:
        connection, identity = change.connection, change.identity
        if not change.has_agent(agent_id):
            raise NotFound("There is no agent with this id.")
        if commands.count_open(connection, identity.project_id, agent_id, MAX_OPEN) >= MAX_OPEN:
            raise TooManyCommands(f"{MAX_OPEN} are not finished.")
        command = Command(
            command_id=uuid7(),
            agent_id=agent_id,
            name=fields["name"],
            args=msgspec.Raw(msgspec.json.encode(fields["args"])),
            created_by=identity.subject,
            created_at=change.at,
            deadline_at=change.at + timedelta(seconds=fields["deadline_s"]),
        )
        commands.create(connection, identity.project_id, command)
        change.tell(agent_id, "command.queued", event_data(command))
        change.record("ordered", "command", str(command.command_id), detail={"agent_id": agent_id})
        response = as_json(command, 201)
        response.headers["Location"] = f"/v1/agents/{quote(agent_id)}/commands/{command.command_id}"
        return response

    return work
