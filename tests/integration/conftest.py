"""Fixtures of the integration tests: projects, a second web process, an impatient one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, NullPool, create_engine

from app.settings import Settings
from launcher import parts
from launcher.ports import address, claim
from launcher.probe import Probe
from launcher.stack import Stack
from launcher.waiting import wait_until
from tests.integration import tenants
from tests.integration.rest import Rest
from tests.integration.tenants import Tenant

READY_TIMEOUT_S = 60.0

IMPATIENT = {
    "HELLO_TIMEOUT_S": "0.7",
    "PING_INTERVAL_S": "1",
    "BODY_TIMEOUT_S": "1",
    "SEND_TIMEOUT_S": "1.5",
    "MAX_FRAME_BYTES": "65536",
    "RATE_LIMIT_EVENTS_PER_S": "20",
    "RATE_LIMIT_BURST": "20",
    "CATCH_UP_MAX_EVENTS": "1000",
    "VIEWER_QUEUE_EVENTS": "100",
    "SNAPSHOT_EVENTS": "5",
    "MAX_VIEWERS": "3",
}
"""Bounds that a test reaches quickly."""


@contextmanager
def web_beside(stack: Stack, name: str, **settings: str) -> Iterator[str]:
    """One more web process of a stack, with settings of its own; its address."""
    port = claim("127.0.0.1", 0)
    stack.supervisor.start(parts.web(name, {**stack.env, **settings}, port))
    url = address("127.0.0.1", port)
    probe = Probe(url, "/readyz")
    try:
        wait_until(probe, timeout_s=READY_TIMEOUT_S, what=lambda: f"{name}: {probe.last}")
        yield url
    finally:
        stack.supervisor.stop(name)


def engine_of(stack: Stack) -> Engine:
    """The stack's database, for what no endpoint does; each use is a connection of its own."""
    return create_engine(Settings.from_env(stack.env).database_url, poolclass=NullPool)


def stumbles(stack: Stack) -> list[str]:
    """What the stack's parts have logged as errors, and exceptions that nobody caught."""
    return [
        f"{log.stem}: {line[-2000:]}"
        for log in sorted(stack.folder.logs.glob("*.log"))
        for line in log.read_text(errors="replace").splitlines()
        if '"level": "error"' in line or line.startswith("Traceback")
    ]


@pytest.fixture(scope="session")
def engine(stack: Stack) -> Iterator[Engine]:
    """The database of the shared stack. Whatever was done to it, no part may have stumbled."""
    engine = engine_of(stack)
    yield engine
    engine.dispose()
    assert stumbles(stack) == []


@pytest.fixture(scope="session")
def second_url(stack: Stack) -> Iterator[str]:
    """The address of a second web process of the shared stack."""
    with web_beside(stack, "web-second") as url:
        yield url


@pytest.fixture(scope="session")
def impatient_url(stack: Stack) -> Iterator[str]:
    """The address of a web process of the shared stack that has small bounds."""
    with web_beside(stack, "web-impatient", **IMPATIENT) as url:
        yield url


@pytest.fixture
def tenant(stack: Stack, engine: Engine) -> Tenant:
    """A fresh project on the shared stack."""
    return tenants.create(engine, stack.url)


@pytest.fixture
def neighbour(stack: Stack, engine: Engine) -> Tenant:
    """Another fresh project, which must notice nothing."""
    return tenants.create(engine, stack.url)


@pytest.fixture(scope="session")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose parts may be stalled, with two web processes and short thresholds."""
    data = tmp_path_factory.mktemp("spare")
    env = {"STALE_AFTER_S": "5", "LOST_AFTER_S": "8", "LOG_MAX_EVENTS": "1000", "PARTITIONS": "2"}
    with Stack(data, restart=False, durable=False, webs=2, env=env) as stack:
        yield stack


@pytest.fixture(scope="session")
def spare_engine(spare: Stack) -> Iterator[Engine]:
    """The database of the spare stack."""
    engine = engine_of(spare)
    yield engine
    engine.dispose()


@pytest.fixture
def spare_tenant(spare: Stack, spare_engine: Engine) -> Tenant:
    """A fresh project on the spare stack, whose small log has room again."""
    rest = Rest(spare.url, spare.admin_key)

    def nothing_waits() -> bool:
        answer = rest.get("/v1/ledger")
        return answer.status == 200 and answer.json["queued"] == 0

    wait_until(
        nothing_waits,
        timeout_s=READY_TIMEOUT_S,
        what=lambda: "the log keeps what the tests before have sent",
    )
    return tenants.create(spare_engine, spare.url)


@pytest.fixture
def resident_bytes(stack: Stack) -> Callable[[], int]:
    """What the shared stack's web process holds in memory, with its children."""
    import psutil

    return lambda: sum(psutil.Process(pid).memory_info().rss for pid in stack.pids("web"))
