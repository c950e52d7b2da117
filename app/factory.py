"""The only place where the web is wired."""

from __future__ import annotations

from typing import Final

from flask import Flask

from app.access.authenticator import Authenticator
from app.access.origins import Origins
from app.access.passwords import PasswordCheck
from app.access.places import Places
from app.access.sessions import Sessions
from app.access.sign_in import SignIn
from app.access.standing import Standing
from app.access.tokens import Tokens
from app.access.watch import Watch
from app.api import (
    agents,
    api_keys,
    audit,
    auth,
    body,
    commands,
    config_schema,
    configurations,
    docs,
    health,
    history,
    ingest,
    ledger,
    methods,
    metrics,
    pages,
    problems,
    projects,
    states,
    stream,
    tasks,
    users,
)
from app.api.change import Changes
from app.api.description.document import create_api
from app.api.no_sessions import NoSessions
from app.cache.caches import Caches
from app.cli.commands import register_commands
from app.core.database import create_database
from app.core.redis import create_redis
from app.eventlog.redis_streams import open_log
from app.gateway import sockets
from app.gateway.gateway import Gateway
from app.jobs.broker import create_broker
from app.settings import Settings

VIEWERS_WAIT_S: Final = 30.0
"""Dashboards that all come back at once take their turns with what they missed."""


def create_app(settings: Settings) -> Flask:
    """The Flask app. Opens no connection; ``app.extensions["telltale"].start()`` begins to work."""
    app = Flask("telltale", static_folder=None)
    # An event's id may hold slashes, one after the other too.
    app.url_map.merge_slashes = False
    # Sessions lie in Redis (app.access.sessions): Flask's own would cost each request a signature.
    app.session_interface = NoSessions()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=None,
    )
    # Reads of history may take long; whoever says hello or shows a key does not wait for them.
    engine = create_database(settings.database_url, pool_size=12, name="web")
    readers = create_database(settings.database_url, pool_size=6, name="web-history")
    viewers = create_database(
        settings.database_url, pool_size=6, name="web-viewers", wait_s=VIEWERS_WAIT_S
    )
    redis = create_redis(settings.redis_url)
    eventlog = open_log(redis, settings)
    sessions = Sessions(redis)
    standing = Standing(engine, sessions)
    watch = Watch(standing)
    places = Places(most=settings.max_sockets, most_viewers=settings.max_viewers)
    broker = create_broker(settings.redis_url)
    gateway = Gateway(settings, engine, viewers, redis, broker, eventlog, watch)
    tokens = Tokens(settings.secret_key, redis)
    origins = Origins(settings.allowed_origins, bound_to=settings.host)
    caches = Caches(engine, redis)
    caches.attend(gateway.hub)
    authenticator = Authenticator(caches.keys, tokens, sessions, standing, origins)

    passwords = PasswordCheck()
    sign_in = SignIn(engine, sessions, passwords)
    changes = Changes(engine, caches, settings.partitions, gateway.pokes.poke)

    def draining() -> bool:
        return gateway.draining

    api = create_api(app)
    # After Api, which brings handlers of its own.
    problems.register(app)
    methods.register(app)
    memory = body.Memory(settings.body_timeout_s)
    body.bound_other_bodies(app, memory, settings.body_timeout_s, unbound="ingest.post_events")
    for blueprint in (
        auth.create_blueprint(authenticator, engine, sign_in, settings.trusted_proxies),
        ingest.create_blueprint(
            settings, authenticator, engine, gateway.intake, gateway.hub, memory
        ),
        history.create_blueprint(authenticator, readers, gateway.hub, draining, places),
        stream.create_blueprint(
            authenticator,
            readers,
            gateway.hub,
            draining,
            places,
            watch,
            send_timeout_s=settings.send_timeout_s,
        ),
        ledger.create_blueprint(authenticator, engine, eventlog),
        agents.create_blueprint(authenticator, engine, changes),
        configurations.create_blueprint(authenticator, engine, caches.configurations, changes),
        config_schema.create_blueprint(authenticator, engine, changes),
        commands.create_blueprint(authenticator, engine, changes),
        tasks.create_blueprint(authenticator, engine, changes),
        states.create_blueprint(authenticator, readers, settings.partitions),
        users.create_blueprint(authenticator, engine, changes, passwords),
        projects.create_blueprint(authenticator, engine, changes),
        api_keys.create_blueprint(authenticator, engine, changes),
        audit.create_blueprint(authenticator, engine),
        health.create_blueprint(engine, redis, gateway.hub),
        metrics.create_blueprint(engine, eventlog, gateway.figures),
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(pages.create_blueprint())
    app.register_blueprint(docs.create_blueprint())
    sockets.register(app, gateway, authenticator, places)
    register_commands(app, settings, engine, sessions, caches)
    app.extensions["telltale"] = gateway
    return app
