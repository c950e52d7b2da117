"""Work that would hold up the event loop, done in a thread beside it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar

from gevent.threadpool import ThreadPool

P = ParamSpec("P")
R = TypeVar("R")


def aside(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` in the thread and wait for it, while other greenlets go on.

    There is one thread, so that however much of such work comes, it gets half of the processor at
    most and the event loop the other half.
    """
    result: R = _thread().apply(function, args, kwargs)
    return result


@cache
def _thread() -> Any:
    return ThreadPool(1)
