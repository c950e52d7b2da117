"""Identifiers: UUIDv7s that only ever grow, and the time inside them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import secret_text, uuid7, uuid7_time

VARIANT = "specified in RFC 4122"


def test_every_uuid7_is_greater_than_the_one_before() -> None:
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert [str(each) for each in made] == sorted(str(each) for each in made)
    assert {(each.version, each.variant) for each in made} == {(7, VARIANT)}


def test_a_clock_that_steps_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = uuid7()
    an_hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr("app.core.identifiers.time.time_ns", lambda: an_hour_ago)
    after = [uuid7() for _ in range(100)]
    assert [before, *after] == sorted({before, *after})


def test_a_uuid7_tells_when_it_was_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    moment = uuid7_time(str(uuid7()))
    assert moment is not None
    # Many were made at once by the tests before this one, and each took a place of its own.
    assert before <= moment <= datetime.now(UTC) + timedelta(milliseconds=20)


@given(st.integers(0, 253_402_300_799_999), st.integers(0, 2**74 - 1), st.booleans())
def test_the_time_of_a_uuid7_is_read_to_the_millisecond(
    milliseconds: int, rest: int, upper: bool
) -> None:
    high = milliseconds << 16 | 0x7000 | rest >> 62
    text = str(UUID(int=high << 64 | 1 << 63 | rest & (2**62 - 1)))
    expected = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    read = uuid7_time(text.upper() if upper else text)
    assert read is not None
    assert abs(read - expected) < timedelta(milliseconds=1)


@given(
    st.text(max_size=40)
    | st.text(st.sampled_from("0123456789abcdef-7 _+xg٣"), min_size=36, max_size=36)
    | st.builds(uuid4).map(str)
)
def test_what_is_no_uuid7_has_no_time(text: str) -> None:
    try:
        genuine = str(UUID(text)) == text.lower() and UUID(text).version == 7
    except ValueError:
        genuine = False
    assert genuine or uuid7_time(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0199e1c2-7b1c-4c3e-9d3a-0a1b2c3d4e5f",
        "0199e1c2-7b1c-7c3e-1d3a-0a1b2c3d4e5f",
        "+199e1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5f",
        "0199_1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5f",
        "0199e1c2-7b1c-7zzz-zzzz-zzzzzzzzzzzz",
        "0199e1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5f\n",
        "{199e1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5}",
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
    ],
)
def test_what_only_looks_like_a_uuid7_has_no_time(text: str) -> None:
    assert uuid7_time(text) is None


def test_secrets_are_long_random_and_safe_in_a_url() -> None:
    made = {secret_text() for _ in range(100)}
    assert len(made) == 100
    assert all(
        len(each) == 43 and each.replace("-", "").replace("_", "").isalnum() for each in made
    )
