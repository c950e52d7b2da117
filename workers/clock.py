"""The clock: what must happen every second or every hour. Of several clocks exactly one acts.

Run as ``python -m workers.clock``. Sweeps run here, not behind the queue: they mend the queue.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from redis.exceptions import RedisError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.backplane.figures import Figures
from app.core.database import create_database
from app.core.errors import SettingError
from app.core.logging import configure_logging, get_logger
from app.core.redis import create_redis
from app.eventlog.log import LogUnavailable
from app.eventlog.redis_streams import open_log
from app.jobs.broker import create_broker
from app.jobs.messages import retain
from app.settings import Settings
from app.storage import due
from workers.expire import Deadlines
from workers.listener import Listener
from workers.prune import Kept, Prune
from workers.sweep import Sweep

ADVISORY_LOCK = 0x7E117A1E
RETAIN_EVERY_S = 3600.0
STOP_S = 3.0

log = get_logger("workers.clock")  # it runs as __main__


class Turn:
    """The right to act: an advisory lock, free again when its holder's connection ends."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None

    def mine(self) -> bool:
        """Whether this process may act now.

        Raises:
            SQLAlchemyError: PostgreSQL is out of reach.
        """
        if self._connection is not None:
            try:
                self._connection.execute(text("SELECT 1"))
                return True
            except SQLAlchemyError:
                self._connection.invalidate()
                self._connection.close()
                self._connection = None
                raise
        connection = self._connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_LOCK}
        ).scalar():
            self._connection = connection
            return True
        connection.close()
        return False


def _see_to_what_is_due(engine: Engine, sweep: Sweep, deadlines: Deadlines) -> None:
    with engine.connect() as connection:
        found = due.look(connection)
    if found.outbox:
        sweep.outbox(found.outbox)
    if found.commands:
        deadlines.commands()
    if found.tasks:
        deadlines.tasks()


def main() -> int:
    """Tick until SIGTERM or SIGINT."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        sys.stderr.write(f"telltale: {error}\n")
        return 2
    configure_logging("clock", settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = create_database(settings.database_url, pool_size=2, name="clock")
    redis = create_redis(settings.redis_url, max_connections=4)
    broker = create_broker(settings.redis_url)
    eventlog = open_log(redis, settings)
    sweep = Sweep(
        engine,
        redis,
        broker,
        eventlog,
        stale_after_s=settings.stale_after_s,
        lost_after_s=settings.lost_after_s,
    )
    deadlines = Deadlines(engine, broker, eventlog)
    listening = create_database(
        settings.listen_database_url or settings.database_url, pool_size=1, name="listen"
    )
    listener = Listener(listening, broker, eventlog, stop)
    listener.start()
    prune = Prune(engine, Kept.of(settings))
    Figures(redis, "clock").start()
    turn = Turn(engine.connect)
    retained_at = -RETAIN_EVERY_S
    while not stop.is_set():
        started = time.monotonic()
        try:
            if turn.mine():
                sweep.partitions()
                sweep.liveness()
                _see_to_what_is_due(engine, sweep, deadlines)
                prune.tick()
                if started - retained_at >= RETAIN_EVERY_S:
                    broker.enqueue(retain())
                    retained_at = started
        except (SQLAlchemyError, RedisError, LogUnavailable) as error:
            log.warning("tick_failed", error=str(error).split("\n")[0])
        except Exception:
            log.exception("tick_failed")
        stop.wait(max(0.0, 1.0 - (time.monotonic() - started)))
    listener.join(STOP_S)
    engine.dispose()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
