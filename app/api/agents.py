"""Agents: listed, looked at, and made known before their first word."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

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
from app.core.errors import Conflict, Forbidden, NotFound
from app.domain.access import Permission
from app.domain.agent import AgentDetail, AgentView
from app.schemas.agents import AgentsQuery, NewAgent
from app.storage import agent_views, agents


class AgentExists(Conflict):
    """The agent is known already, as something else."""

    code, title = "agent_exists", "There is an agent with this id that is not the same"


def create_blueprint(authenticator: Authenticator, engine: Engine, changes: Changes) -> Blueprint:
    """The routes under ``/v1/agents`` that are about the agents themselves."""
    blueprint = Blueprint("agents", __name__, description="Who is in the fleet.")

    @blueprint.route("/v1/agents")
    class Agents(MethodView):
        @blueprint.arguments(AgentsQuery, location="query", unknown=RAISE)
        @described("list_agents", Permission.READ, {200: ListOf(AgentView)})
        def get(self, query: dict[str, Any]) -> Response:
            """Agents, by id."""
            identity = authenticator.request(request, Permission.READ)
            limit = query["limit"]
            place = unseal(query.get("cursor"), tuple[str])
            with engine.connect() as connection:
                found = agent_views.search(
                    connection,
                    identity.project_id,
                    limit=limit + 1,
                    after=place[0] if place else "",
                    statuses=query["status"],
                    livenesses=query["liveness"],
                    role=query.get("role"),
                    task_id=query.get("task_id"),
                    text_wanted=query.get("text", ""),
                )
            return answer(found, limit, lambda agent: (agent.agent_id,))

        @blueprint.arguments(NewAgent)
        @described(
            "register_agent",
            Permission.SEND,
            {200: AgentDetail, 201: AgentDetail},
            creates=True,
            located=True,
        )
        def post(self, fields: dict[str, Any]) -> Response:
            """Make an agent known. The same once more is no change."""
            identity = authenticator.request(request, Permission.SEND)
            if not identity.may_speak_for(fields["agent_id"]):
                raise Forbidden(f"This key is the agent {identity.agent_id}'s.")
            return changes.run(request, identity, _registration(fields))

    @blueprint.route("/v1/agents/<path:agent_id>")
    class OneAgent(MethodView):
        @described("get_agent", Permission.READ, {200: AgentDetail}, own=True)
        def get(self, agent_id: str) -> Response:
            """One agent as it is now."""
            identity = authenticator.reader(request, agent_id)
            with engine.connect() as connection:
                agent = agent_views.find(connection, identity.project_id, agent_id)
            if agent is None:
                raise NotFound("There is no agent with this id.")
            return as_json(agent)

    return blueprint


def _registration(fields: dict[str, Any]) -> Work:
    def work(change: Change) -> Response:
        project_id, agent_id = change.identity.project_id, fields["agent_id"]
        role, name, meta = fields["role"], fields.get("name"), fields.get("meta")
        made = agents.create(
            change.connection,
            project_id,
            agent_id,
            role=role,
            name=name,
            meta=None if meta is None else msgspec.json.encode(meta).decode(),
        )
        agent = agent_views.find(change.connection, project_id, agent_id)
        assert agent is not None
        if not made:
            if _said(agent) != (role, name, meta):
                raise AgentExists("Its role, name or meta are others. Say hello to change them.")
            return as_json(agent)
        told = {"role": role} if name is None else {"role": role, "name": name}
        change.tell(agent_id, "agent.registered", msgspec.json.encode(told))
        change.record("registered", "agent", agent_id)
        response = as_json(agent, 201)
        response.headers["Location"] = f"/v1/agents/{quote(agent_id)}"
        return response

    return work


def _said(agent: AgentDetail) -> tuple[object, object, object]:
    meta = None if agent.meta is None else msgspec.json.decode(agent.meta)
    return agent.role, agent.name, meta
