"""The only place where the web is wired."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from app.access.authenticator import Authenticator
from app.access.sessions import Sessions
from app.access.tokens import Tokens
from app.api import auth, body, health, history, ingest, ledger, metrics, pages, problems
from app.cli import register_commands
from app.core.database import create_database
from app.core.redis import create_redis
from app.eventlog.redis_streams import open_log
from app.gateway import sockets
from app.gateway.gateway import Gateway
from app.jobs.broker import create_broker
from app.settings import Settings


def create_app(settings: Settings) -> Flask:
    """The Flask app. Opens no connection; ``app.extensions["telltale"].start()`` begins to work."""
    app = Flask("telltale", static_folder=None)
    # An event's id may hold slashes, one after the other too.
    app.url_map.merge_slashes = False
    app.config.update(
        SECRET_KEY=settings.secret_key,
        API_TITLE="Telltale",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_JSON_PATH="openapi.json",
        MAX_CONTENT_LENGTH=None,
    )
    engine = create_database(settings.database_url, pool_size=20, name="web")
    redis = create_redis(settings.redis_url)
    eventlog = open_log(redis, settings)
    gateway = Gateway(settings, engine, redis, create_broker(settings.redis_url), eventlog)
    sessions = Sessions(redis)
    authenticator = Authenticator(
        engine, Tokens(settings.secret_key, redis), sessions, settings.allowed_origins
    )

    api = Api(app)
    # After Api, which brings handlers of its own.
    problems.register(app)
    body.bound_other_bodies(app, settings.body_timeout_s, unbound="ingest.post_events")
    for blueprint in (
        auth.create_blueprint(authenticator, engine),
        history.create_blueprint(authenticator, engine, gateway.hub, lambda: gateway.draining),
        ledger.create_blueprint(authenticator, engine, eventlog),
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(
        ingest.create_blueprint(settings, authenticator, engine, gateway.intake, gateway.hub)
    )
    app.register_blueprint(health.create_blueprint(engine, redis, gateway.hub))
    app.register_blueprint(metrics.create_blueprint(engine, eventlog, gateway.figures))
    app.register_blueprint(pages.create_blueprint())
    sockets.register(app, gateway, authenticator)
    register_commands(app, settings, engine, sessions)
    app.extensions["telltale"] = gateway
    return app
