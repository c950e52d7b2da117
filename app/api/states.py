"""As history had it then: an agent or a task at a moment of the past."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.api.description.operation import described
from app.api.listing import as_json
from app.core import clock
from app.core.errors import NotFound
from app.domain.access import Permission
from app.domain.agent_state import AgentState
from app.domain.partition import agent_key, partition_of
from app.schemas.states import AtQuery
from app.storage import projections


class AgentThen(AgentState, kw_only=True):
    """An agent as its events up to ``at`` left it. ``complete`` is false if retention has dropped
    some that may have said more.
    """

    agent_id: str
    at: datetime
    complete: bool


def create_blueprint(authenticator: Authenticator, engine: Engine, partitions: int) -> Blueprint:
    """The routes of the past. ``engine`` is the pool for reads of history."""
    blueprint = Blueprint("states", __name__, description="As history had it then.")

    @blueprint.route("/v1/agents/<path:agent_id>/state")
    class AgentAt(MethodView):
        @blueprint.arguments(AtQuery, location="query", unknown=RAISE)
        @described("get_agent_state", Permission.READ, {200: AgentThen}, own=True)
        def get(self, query: dict[str, Any], agent_id: str) -> Response:
            """An agent as its events had left it at a moment."""
            identity = authenticator.reader(request, agent_id)
            at = query.get("at") or clock.now()
            place = partition_of(agent_key(str(identity.project_id), agent_id), partitions)
            with engine.connect() as connection:
                state = projections.agent_at(connection, identity.project_id, agent_id, at)
                lost = projections.lost_through(connection, place)
            if state.events == 0:
                raise NotFound("No event of such an agent had come by then.")
            then = AgentThen(
                agent_id=agent_id, at=at, complete=lost == 0, **msgspec.structs.asdict(state)
            )
            return as_json(then)

    return blueprint
