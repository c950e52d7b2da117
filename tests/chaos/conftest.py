"""A stack that the tests of this folder may break: one partition, two web processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from launcher.stack import Stack
from tests.integration.rest import Rest


@pytest.fixture(scope="session")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data = tmp_path_factory.mktemp("fragile")
    with Stack(data, restart=False, durable=False, webs=2, env={"PARTITIONS": "1"}) as stack:
        yield stack


@pytest.fixture
def rest(fragile: Stack) -> Rest:
    return Rest(fragile.url, fragile.admin_key)
