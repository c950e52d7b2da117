"""The order of positions in a log."""

from __future__ import annotations

import pytest

from app.domain.log_position import is_after


@pytest.mark.parametrize(
    ("position", "other", "after"),
    [
        ("0-0", "0-0", False),
        ("5-0", "5-0", False),
        ("5-1", "5-0", True),
        ("10-0", "9-9", True),
        ("9-10", "9-9", True),
        ("9-9", "10-0", False),
        ("7", "6-5", True),
    ],
)
def test_positions_are_compared_as_numbers(position: str, other: str, after: bool) -> None:
    assert is_after(position, other) is after
