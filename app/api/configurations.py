"""Agents' configurations: read, written by version or merged, and their history."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Connection, Engine

from app.access.authenticator import Authenticator
from app.api import json_body
from app.api.change import Change, Changes, Work
from app.api.description.media import ANY_JSON
from app.api.description.operation import ListOf, described
from app.api.json_body import JsonBody
from app.api.listing import answer, as_json, unseal
from app.api.versions import check_replaceable, expected_versions, nothing_yet, stale, tag
from app.cache.configurations import CACHE, ConfigurationCache
from app.core.errors import NotFound, PreconditionFailed, Unprocessable
from app.domain.access import Identity, Permission
from app.domain.config_schema import violations
from app.domain.configuration import Configuration, diff, merge, same
from app.domain.partition import agent_key
from app.schemas.configurations import (
    ConfigDiff,
    ConfigDiffQuery,
    ConfigHistoryQuery,
    ConfigPut,
    ConfigValue,
    ConfigVersion,
)
from app.storage import config_schemas, configurations


def create_blueprint(
    authenticator: Authenticator, engine: Engine, cache: ConfigurationCache, changes: Changes
) -> Blueprint:
    """The routes under ``/v1/agents/{id}/config``."""
    blueprint = Blueprint("configurations", __name__, description="What each agent is to do.")
    path = "/v1/agents/<path:agent_id>/config"

    @blueprint.route(path)
    class Config(MethodView):
        @described("get_config", Permission.READ, {200: ConfigValue}, tagged=True, own=True)
        def get(self, agent_id: str) -> Response:
            """An agent's configuration."""
            identity = authenticator.reader(request, agent_id)
            found = cache.find(identity.project_id, agent_id)
            if found is None:
                raise NotFound("This agent has no configuration.")
            return _shown(found)

        @blueprint.arguments(ConfigPut, location="query", unknown=RAISE)
        @described(
            "write_config",
            Permission.MANAGE,
            {200: ConfigValue},
            body=ANY_JSON,
            tagged=True,
            replaces=True,
        )
        def put(self, query: dict[str, Any], agent_id: str) -> Response:
            """Write an agent's configuration. The same value once more is no change."""
            identity = authenticator.request(request, Permission.MANAGE)
            body = json_body.read(request)
            work = _merging(agent_id, body) if "merge" in query else _replacing(agent_id, body)
            return changes.run(request, identity, work)

    @blueprint.route(f"{path}/history")
    class History(MethodView):
        @blueprint.arguments(ConfigHistoryQuery, location="query", unknown=RAISE)
        @described("list_config_versions", Permission.READ, {200: ListOf(ConfigVersion)}, own=True)
        def get(self, query: dict[str, Any], agent_id: str) -> Response:
            """Versions, newest first, without their values."""
            identity = authenticator.reader(request, agent_id)
            limit, place = query["limit"], unseal(query.get("cursor"), tuple[int])
            with engine.connect() as connection:
                found = configurations.history(
                    connection,
                    identity.project_id,
                    agent_id,
                    limit=limit + 1,
                    before=place[0] if place else None,
                )
            versions = [ConfigVersion(c.version, c.changed_at, c.changed_by, c.lost) for c in found]
            return answer(versions, limit, lambda version: (version.version,))

    @blueprint.route(f"{path}/history/<int:version>")
    class OneVersion(MethodView):
        @described("get_config_version", Permission.READ, {200: Configuration}, own=True)
        def get(self, agent_id: str, version: int) -> Response:
            """A configuration as it was."""
            identity = authenticator.reader(request, agent_id)
            with engine.connect() as connection:
                return as_json(_version(connection, identity, agent_id, version))

    @blueprint.route(f"{path}/diff")
    class Diff(MethodView):
        @blueprint.arguments(ConfigDiffQuery, location="query", unknown=RAISE)
        @described("compare_config_versions", Permission.READ, {200: ConfigDiff}, own=True)
        def get(self, query: dict[str, int], agent_id: str) -> Response:
            """What differs between two versions."""
            identity = authenticator.reader(request, agent_id)
            with engine.connect() as connection:
                old, new = (
                    _version(connection, identity, agent_id, query[name]) for name in ("old", "new")
                )
            found = diff(msgspec.json.decode(old.value), msgspec.json.decode(new.value))
            return as_json(ConfigDiff(old.version, new.version, found))

    return blueprint


def _replacing(agent_id: str, body: JsonBody) -> Work:
    def work(change: Change) -> Response:
        known = _locked(change, agent_id)
        check_replaceable(request, None if known is None else known.version)
        return _write(change, agent_id, known, body)

    return work


def _merging(agent_id: str, body: JsonBody) -> Work:
    def work(change: Change) -> Response:
        known = _locked(change, agent_id)
        if known is None:
            check_replaceable(request, None)
            return _write(change, agent_id, None, body)
        base = _base(change, agent_id, known)
        merged = merge(
            msgspec.json.decode(base.value), msgspec.json.decode(known.value), body.value
        )
        raw = body.raw if same(merged.value, body.value) else msgspec.json.encode(merged.value)
        lost = msgspec.json.encode(merged.lost) if merged.lost else None
        return _write(change, agent_id, known, JsonBody(raw, merged.value), lost)

    return work


def _base(change: Change, agent_id: str, known: Configuration) -> Configuration:
    """The version that the writer began from."""
    if "If-Match" not in request.headers and "If-None-Match" in request.headers:
        check_replaceable(request, known.version)
    expected = expected_versions(request)
    if expected is None or known.version in expected:
        return known
    for version in sorted(expected, reverse=True):
        project_id = change.identity.project_id
        base = configurations.at_version(change.connection, project_id, agent_id, version)
        if base is not None:
            return base
    raise stale(known.version)


def _write(
    change: Change,
    agent_id: str,
    known: Configuration | None,
    body: JsonBody,
    lost: bytes | None = None,
) -> Response:
    if known is not None and same(msgspec.json.decode(known.value), body.value):
        return _shown(known)
    connection, identity = change.connection, change.identity
    schema = config_schemas.find(connection, identity.project_id)
    if schema is not None and (errors := violations(schema.schema, body.value)):
        raise Unprocessable("It breaks the project's schema.", errors=errors)
    if known is not None:
        written = configurations.replace(
            connection, identity.project_id, agent_id, body.raw, identity.subject, lost
        )
    else:
        written = _begun(change, agent_id, body)
    change.told_by_trigger(agent_id)
    change.forget(CACHE, agent_key(str(identity.project_id), agent_id))
    change.record("changed", "config", agent_id, version=written.version)
    return _shown(written)


def _begun(change: Change, agent_id: str, body: JsonBody) -> Configuration:
    connection, identity = change.connection, change.identity
    begun = configurations.begin(
        connection, identity.project_id, agent_id, body.raw, identity.subject
    )
    if begun is None:
        raise _beaten(configurations.find(connection, identity.project_id, agent_id))
    return begun


def _beaten(known: Configuration | None) -> PreconditionFailed:
    return nothing_yet() if known is None else stale(known.version)


def _locked(change: Change, agent_id: str) -> Configuration | None:
    connection, project_id = change.connection, change.identity.project_id
    if not change.has_agent(agent_id):
        raise NotFound("There is no agent with this id.")
    return configurations.find(connection, project_id, agent_id, for_update=True)


def _version(
    connection: Connection, identity: Identity, agent_id: str, version: int
) -> Configuration:
    if version < 2**63:
        found = configurations.at_version(connection, identity.project_id, agent_id, version)
        if found is not None:
            return found
    raise NotFound("There is no such version of this agent's configuration.")


def _shown(configuration: Configuration) -> Response:
    return tag(
        as_json(ConfigValue(configuration.version, configuration.value)), configuration.version
    )
