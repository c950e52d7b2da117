"""How ``pytest -n`` shares the tests out: which stay together, and which go first."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler.loadscope import LoadScopeScheduling

SLOWEST = ("tests/chaos", "tests/e2e")
"""Each folder goes to one process, since its tests share a stack and take turns at breaking it.
They begin at once: what takes longest must not be what is left over at the end."""


class Shares(LoadScopeScheduling):
    """Hands out whole folders of slow tests, then file by file.

    The tests of a file share a database, and each process has servers of its own.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (folder for folder in SLOWEST if nodeid.startswith(f"{folder}/")),
            nodeid.partition("::")[0],
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Shares:
    """Called by pytest-xdist where there are several processes."""
    config.option.loadscopereorder = False  # pytest's own order has the slowest first
    return Shares(config, log)
