"""``GET /v1/ledger``: do the books balance?"""

from __future__ import annotations

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.api.description.operation import described
from app.domain.access import Permission
from app.domain.ledger import LedgerEntry, balance
from app.eventlog.log import EventLog
from app.storage import partitions


class LedgerView(msgspec.Struct):
    """The whole, and each partition."""

    accepted: int
    stored: int
    duplicates: int
    queued: int
    dead: int
    balanced: bool
    partitions: list[LedgerEntry]


def create_blueprint(authenticator: Authenticator, engine: Engine, eventlog: EventLog) -> Blueprint:
    """The ledger's route."""
    blueprint = Blueprint("ledger", __name__, description="The books.")

    @blueprint.route("/v1/ledger")
    class Ledger(MethodView):
        @described("get_ledger", Permission.READ, {200: LedgerView})
        def get(self) -> Response:
            """What was accepted, and what became of it, per partition and in all."""
            authenticator.request(request, Permission.READ)
            depths = eventlog.depth()
            with engine.connect() as connection:
                states = partitions.states(connection)
            entries = [balance(state, depth) for state, depth in zip(states, depths, strict=True)]
            view = LedgerView(
                accepted=sum(e.accepted for e in entries),
                stored=sum(e.stored for e in entries),
                duplicates=sum(e.duplicates for e in entries),
                queued=sum(e.queued for e in entries),
                dead=sum(e.dead for e in entries),
                balanced=all(e.balanced for e in entries),
                partitions=entries,
            )
            return Response(msgspec.json.encode(view), content_type="application/json")

    return blueprint
