"""Fixtures for every test: real servers, started once when the first test asks for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from launcher.stack import Stack
from tests.parallel import pytest_xdist_make_scheduler
from tests.servers import Servers

__all__ = ["pytest_xdist_make_scheduler"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL and Valkey alone."""
    servers = Servers(tmp_path_factory.mktemp("servers"))
    try:
        servers.up()
        yield servers
    finally:
        servers.down()


@pytest.fixture(scope="module")
def postgres_url(servers: Servers) -> Iterator[str]:
    """A fresh, migrated database for the tests of one module."""
    with servers.database() as url:
        yield url


@pytest.fixture(scope="module")
def redis_url(servers: Servers) -> Iterator[str]:
    """An empty Redis database for the tests of one module."""
    with servers.redis() as url:
        yield url


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product without the demo fleet, shared by all tests that leave it as it is."""
    with Stack(tmp_path_factory.mktemp("stack"), durable=False) as stack:
        yield stack


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; ``CHROMIUM`` goes before what is found."""
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        if name and (found := shutil.which(name)):
            return found
    pytest.fail("There is no Chromium on this machine; script/test says how to get one.")
