"""gunicorn: gevent workers, JSON logs, and a graceful drain of their sockets."""

from __future__ import annotations

import os
import resource
import sys
from typing import Any

from gunicorn.glogging import Logger

from app.core.errors import SettingError
from app.core.logging import configure_logging, log_hub_errors
from app.settings import Settings

try:
    settings = Settings.from_env(os.environ)
except SettingError as error:
    sys.stderr.write(f"telltale: {error}\n")
    raise SystemExit(2) from None


class JsonLogger(Logger):
    """gunicorn's own lines (start, boot, signals) go the way of ours."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn before it says anything."""
        super().setup(cfg)
        configure_logging("web", settings.log_level)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True


host = f"[{settings.host}]" if ":" in settings.host else settings.host
bind = f"{host}:{settings.port}"
workers = settings.web_concurrency
worker_class = "app.gunicorn_worker.Worker"
# Each socket takes a place; some are left over so that health checks always get one.
worker_connections = settings.max_sockets + 500
backlog = 4096
# Only a blocked event loop is noticed by this, and its sockets are lost with it.
timeout = 60
graceful_timeout = 20
# The time a client may take to send its headers, and an idle connection is kept.
keepalive = 5
max_requests = 0
limit_request_line = 8190
logger_class = JsonLogger
loglevel = settings.log_level
accesslog = None
# Nothing here is managed through a control socket.
control_socket_disable = True


def on_starting(server: Any) -> None:  # noqa: ARG001
    """Each socket is an open file: take as many as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = worker_connections + 1000
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def post_worker_init(worker: Any) -> None:
    """The process is forked and patched: begin to work, and watch for the order to stop."""
    import gevent

    from app.core.garbage import collect_rarely

    log_hub_errors(gevent.get_hub())
    collect_rarely()
    gateway = worker.wsgi.extensions["telltale"]
    gateway.start()

    def watch() -> None:
        while worker.alive:
            gevent.sleep(0.1)
        gateway.drain()

    gevent.spawn(watch)
