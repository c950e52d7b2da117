"""gunicorn: gevent workers, and a graceful drain of their sockets."""

from __future__ import annotations

import os
import resource
from typing import Any

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
worker_class = "gevent"
# Each socket takes a place; some are left over so that health checks always get one.
worker_connections = int(os.environ.get("MAX_SOCKETS", "11000")) + 500
backlog = 4096
# Only a blocked event loop is noticed by this, and its sockets are lost with it.
timeout = 60
graceful_timeout = 20
# The time a client may take to send its headers, and an idle connection is kept.
keepalive = 5
max_requests = 0
limit_request_line = 8190
accesslog = None
loglevel = "warning"
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

    collect_rarely()
    gateway = worker.wsgi.extensions["telltale"]
    gateway.start()

    def watch() -> None:
        while worker.alive:
            gevent.sleep(0.1)
        gateway.drain()

    gevent.spawn(watch)
