"""The schema that a project's configurations must meet, from its next change on."""

from __future__ import annotations

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.api import json_body
from app.api.change import Change, Changes, Work
from app.api.description.media import JSON_SCHEMA
from app.api.description.operation import described
from app.api.json_body import JsonBody
from app.api.versions import (
    check_replaceable,
    check_version,
    expected_versions,
    nothing_yet,
    stale,
    tag,
)
from app.core.errors import NotFound, Unprocessable
from app.domain.access import Permission
from app.domain.config_schema import SchemaRefused, check_schema
from app.storage import config_schemas
from app.storage.config_schemas import StoredSchema


def create_blueprint(authenticator: Authenticator, engine: Engine, changes: Changes) -> Blueprint:
    """The route ``/v1/config-schema``."""
    blueprint = Blueprint("config_schema", __name__, description="What configurations must be.")

    @blueprint.route("/v1/config-schema")
    class ConfigSchema(MethodView):
        @described("get_config_schema", Permission.READ, {200: object}, tagged=True, refuses=(404,))
        def get(self) -> Response:
            """The project's schema."""
            identity = authenticator.request(request, Permission.READ)
            with engine.connect() as connection:
                found = config_schemas.find(connection, identity.project_id)
            if found is None:
                raise NotFound("This project has no schema: a configuration may be anything.")
            return _shown(found)

        @described(
            "write_config_schema",
            Permission.ADMINISTER,
            {200: object},
            body=JSON_SCHEMA,
            tagged=True,
            replaces=True,
        )
        def put(self) -> Response:
            """Set the schema. Configurations that are there already stay as they are."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            body = json_body.read(request)
            try:
                check_schema(body.value)
            except SchemaRefused as refused:
                raise Unprocessable("It cannot be used.", errors=refused.errors) from None
            return changes.run(request, identity, _writing(body))

        @described(
            "delete_config_schema",
            Permission.ADMINISTER,
            {204: None},
            guarded=True,
            refuses=(404,),
        )
        def delete(self) -> Response:
            """Let configurations be anything again."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            return changes.run(request, identity, _deletion)

    return blueprint


def _writing(body: JsonBody) -> Work:
    def work(change: Change) -> Response:
        connection, identity = change.connection, change.identity
        known = config_schemas.find(connection, identity.project_id, for_update=True)
        check_replaceable(request, None if known is None else known.version)
        if known is not None and known.schema == body.raw:
            return _shown(known)
        if known is not None:
            version = config_schemas.replace(
                connection, identity.project_id, body.raw, identity.subject
            )
        elif config_schemas.begin(connection, identity.project_id, body.raw, identity.subject):
            version = 1
        else:
            now = config_schemas.find(connection, identity.project_id)
            raise nothing_yet() if now is None else stale(now.version)
        change.record("changed", "config_schema", str(identity.project_id), version=version)
        return _shown(StoredSchema(version, body.raw))

    return work


def _deletion(change: Change) -> Response:
    connection, project_id = change.connection, change.identity.project_id
    expected_versions(request)
    known = config_schemas.find(connection, project_id, for_update=True)
    if known is None:
        raise NotFound("This project has no schema.")
    check_version(request, known.version)
    config_schemas.delete(connection, project_id)
    change.record("deleted", "config_schema", str(project_id), version=known.version)
    return Response(status=204)


def _shown(found: StoredSchema) -> Response:
    return tag(Response(found.schema, content_type="application/json"), found.version)
