"""The audit log: who changed what in the project, for its admins."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.api.description.operation import ListOf, described
from app.api.listing import answer, unseal
from app.domain.access import Permission
from app.schemas.people import AuditQuery
from app.storage import audit
from app.storage.audit import AuditEntry


def create_blueprint(authenticator: Authenticator, engine: Engine) -> Blueprint:
    """The route ``/v1/audit``."""
    blueprint = Blueprint("audit", __name__, description="Who changed what.")

    @blueprint.route("/v1/audit")
    class Audit(MethodView):
        @blueprint.arguments(AuditQuery, location="query", unknown=RAISE)
        @described("list_changes", Permission.ADMINISTER, {200: ListOf(AuditEntry)})
        def get(self, query: dict[str, Any]) -> Response:
            """Changes, newest first."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            limit = query["limit"]
            place = unseal(query.get("cursor"), tuple[int])
            with engine.connect() as connection:
                found = audit.page(
                    connection,
                    identity.project_id,
                    limit=limit + 1,
                    before=place[0] if place else None,
                    subject=query.get("subject"),
                    resource=query.get("resource"),
                    resource_id=query.get("resource_id"),
                )
            return answer(found, limit, lambda entry: (entry.audit_id,))

    return blueprint
