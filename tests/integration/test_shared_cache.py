"""What processes share of PostgreSQL in Redis: kept for seconds, never put there when it is old."""

from __future__ import annotations

import pytest

from app.cache.shared import MAX_VALUE_BYTES, SHARED_S, Shared
from app.core.identifiers import uuid7
from app.core.redis import create_redis
from launcher.ports import claim


class Source:
    """PostgreSQL, as far as a cache knows it."""

    def __init__(self, value: bytes | None) -> None:
        self.value = value
        self.asked = 0

    def __call__(self) -> bytes | None:
        self.asked += 1
        return self.value


@pytest.fixture
def shared(redis_url: str) -> Shared:
    return Shared(create_redis(redis_url), f"test-{uuid7()}")


def test_one_process_asks_for_all(shared: Shared) -> None:
    source = Source(b"one")
    first, second = shared.get("a", source), shared.get("a", source)
    assert (first.value, second.value, source.asked) == (b"one", b"one", 1)
    assert first.age_s == 0
    assert 0 <= second.age_s < SHARED_S


def test_what_was_read_before_a_change_is_not_put_there_after_it(shared: Shared) -> None:
    def read_while_it_changes() -> bytes:
        shared.forget(["a"])
        return b"old"

    assert shared.get("a", read_while_it_changes).value == b"old"
    assert shared.get("a", Source(b"new")).value == b"new"


def test_a_change_is_forgotten_at_once(shared: Shared) -> None:
    shared.get("a", Source(b"old"))
    shared.forget(["a", "b"])
    source = Source(b"new")
    assert [shared.get("a", source).value for _ in range(2)] == [b"new", b"new"]
    assert source.asked == 2


@pytest.mark.parametrize("value", [None, b"x" * (MAX_VALUE_BYTES + 1)])
def test_nothing_and_what_is_large_are_not_shared(shared: Shared, value: bytes | None) -> None:
    source = Source(value)
    assert [shared.get("a", source).value for _ in range(2)] == [value, value]
    assert source.asked == 2


def test_without_redis_postgresql_is_asked() -> None:
    shared = Shared(create_redis(f"redis://127.0.0.1:{claim('127.0.0.1', 0)}"), "test")
    source = Source(b"one")
    assert [shared.get("a", source).value for _ in range(2)] == [b"one", b"one"]
    assert source.asked == 2
