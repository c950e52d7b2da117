"""API keys: made, listed, revoked by admins. A secret is shown once and never stored in clear."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

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
from app.cache.keys import CACHE
from app.core.errors import Conflict, NotFound
from app.domain.access import Permission, Role
from app.domain.api_key import parse_key
from app.schemas.people import NewKey
from app.schemas.tasks import ListQuery
from app.storage import credentials
from app.storage.credentials import ApiKey

MOST_KEYS: Final = 1000
"""Keys of a project that are not revoked."""


class TooManyKeys(Conflict):
    """The project has as many keys as it may."""

    code, title = "too_many_keys", "The project has as many keys as it may"


class MadeKey(msgspec.Struct):
    """A key that was just made; ``key`` is its secret, this once."""

    key_id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None
    agent_id: str | None
    key: str


def create_blueprint(authenticator: Authenticator, engine: Engine, changes: Changes) -> Blueprint:
    """The routes under ``/v1/api-keys``."""
    blueprint = Blueprint("api-keys", __name__, description="What programs sign in with.")

    @blueprint.route("/v1/api-keys")
    class Keys(MethodView):
        @blueprint.arguments(ListQuery, location="query", unknown=RAISE)
        @described("list_keys", Permission.ADMINISTER, {200: ListOf(ApiKey)})
        def get(self, query: dict[str, Any]) -> Response:
            """The project's keys, newest first, revoked ones too."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            limit = query["limit"]
            before = unseal(query.get("cursor"), tuple[datetime, str])
            with engine.connect() as connection:
                found = credentials.page(
                    connection, identity.project_id, limit=limit + 1, before=before
                )
            return answer(found, limit, lambda key: (key.created_at, key.key_id))

        @blueprint.arguments(NewKey)
        @described("make_key", Permission.ADMINISTER, {201: MadeKey}, creates=True, located=True)
        def post(self, fields: dict[str, Any]) -> Response:
            """Make a key. It is shown this once, also when the request is sent again."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            return changes.run(request, identity, _making(fields), secrets=("key",))

    @blueprint.route("/v1/api-keys/<key_id>")
    class OneKey(MethodView):
        @described("get_key", Permission.ADMINISTER, {200: ApiKey})
        def get(self, key_id: str) -> Response:
            """One key, without its secret."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            with engine.connect() as connection:
                return as_json(_found(credentials.find(connection, identity.project_id, key_id)))

        @described("revoke_key", Permission.ADMINISTER, {204: None})
        def delete(self, key_id: str) -> Response:
            """Revoke a key, within five seconds everywhere. One that is revoked stays so."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            return changes.run(request, identity, _revocation(key_id))

    return blueprint


def _making(fields: dict[str, Any]) -> Work:
    def work(change: Change) -> Response:
        connection, project_id = change.connection, change.identity.project_id
        name, role, agent_id = fields["name"], Role(fields["role"]), fields.get("agent_id")
        if credentials.count_active(connection, project_id) >= MOST_KEYS:
            raise TooManyKeys(f"It may have {MOST_KEYS} that are not revoked.")
        secret = credentials.create(connection, project_id, name, role, agent_id)
        key_id, _ = parse_key(secret)
        key = _found(credentials.find(connection, project_id, key_id))
        detail = {"name": name, "role": role.value}
        if agent_id is not None:
            detail["agent_id"] = agent_id
        change.record("created", "api_key", key_id, detail=detail)
        made = MadeKey(**msgspec.structs.asdict(key), key=secret)
        response = as_json(made, 201)
        response.headers["Location"] = f"/v1/api-keys/{key_id}"
        return response

    return work


def _revocation(key_id: str) -> Work:
    def work(change: Change) -> Response:
        project_id = change.identity.project_id
        key = _found(credentials.find(change.connection, project_id, key_id))
        if credentials.revoke(change.connection, project_id, key_id):
            change.forget(CACHE, key_id)
            change.record("revoked", "api_key", key_id, detail={"name": key.name})
        return Response(status=204)

    return work


def _found(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise NotFound("There is no key with this id.")
    return key
