"""Where a worker is wired. Dramatiq imports this module, in each of its processes."""

from __future__ import annotations

import os
import sys
from typing import Any

from dramatiq import Middleware, set_broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries, ShutdownNotifications, TimeLimit

from app.backplane.figures import Figures
from app.backplane.publish import Publisher
from app.core import metrics
from app.core.database import create_database
from app.core.errors import SettingError
from app.core.garbage import collect_rarely
from app.core.logging import configure_logging
from app.core.redis import create_redis
from app.eventlog.redis_streams import open_log
from app.jobs.broker import create_broker
from app.jobs.ring import Bells
from app.settings import Settings
from workers import ingest, retain
from workers.drainer import Drainer


class LeaveInTime(Middleware):
    """Tells the drain to leave its partitions when the worker is asked to stop."""

    def __init__(self) -> None:
        self.stay: ingest.Stay | None = None

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:  # noqa: ARG002
        """Called on SIGTERM, before Dramatiq waits for the actors."""
        if self.stay is not None:
            self.stay.stop()


def boot() -> RedisBroker:
    """Wire this process: settings, connections, broker, actors."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        sys.stderr.write(f"telltale: {error}\n")
        raise SystemExit(2) from None
    configure_logging("worker", settings.log_level)
    leave = LeaveInTime()
    broker = create_broker(
        settings.redis_url,
        [TimeLimit(time_limit=float("inf")), ShutdownNotifications(), Retries(), leave],
    )
    set_broker(broker)
    engine = create_database(settings.database_url, pool_size=6, name="worker")
    redis = create_redis(settings.redis_url)
    eventlog = open_log(redis, settings)
    stay = ingest.Stay(broker, Bells(redis), Drainer(engine, eventlog, Publisher(redis)))
    leave.stay = stay
    ingest.declare(broker, stay)
    retain.declare(broker, engine, settings.retention_days)
    metrics.breaker_open.labels("postgres").set(0)
    Figures(redis, "worker").start()
    collect_rarely()
    return broker


broker = boot()
