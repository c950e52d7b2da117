"""Logs: one JSON object a line on standard error, with whatever context is bound."""

from __future__ import annotations

import logging
import sys
import threading
from types import TracebackType
from typing import Any

import structlog

UNCAUGHT = "uncaught"
"""The logger of exceptions that nobody caught."""


def configure_logging(process: str, level: str = "info") -> None:
    """Send every log line of this process through one JSON renderer: ours, the libraries', and
    what Python would print by itself (warnings, exceptions that nobody caught).

    ``process`` is ``web``, ``worker``, …; ``level`` the least that is logged. Safe to repeat.
    """

    def name_process(
        _: object, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["process"] = process
        return event

    shared: list[structlog.typing.Processor] = [
        name_process,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("message"),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda hook: _log_uncaught(
        hook.exc_type, hook.exc_value, hook.exc_traceback, where=repr(hook.object)
    )
    threading.excepthook = lambda hook: _log_uncaught(
        hook.exc_type, hook.exc_value, hook.exc_traceback, where=getattr(hook.thread, "name", None)
    )


def log_hub_errors(hub: Any) -> None:
    """Let gevent log what a greenlet did not catch, where it would print it."""
    hub.print_exception = lambda context, kind, error, trace: _log_uncaught(
        kind, error, trace, where=repr(context)
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _log_uncaught(
    kind: type[BaseException],
    error: BaseException | None,
    trace: TracebackType | None,
    *,
    where: str | None = None,
) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    logging.getLogger(UNCAUGHT).error(
        "%s in %s",
        kind.__name__,
        where or "the main thread",
        exc_info=None if error is None else (kind, error, trace),
    )
