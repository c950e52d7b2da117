"""A project that has an admin never loses its last one."""

from __future__ import annotations

import pytest

from app.domain.membership import leaves_nobody


@pytest.mark.parametrize(
    ("governed", "governs", "governors", "refused"),
    [
        (True, False, 1, True),
        (True, False, 2, False),
        (True, True, 1, False),
        (False, False, 1, False),
        (False, False, 0, False),
        (False, True, 0, False),
    ],
)
def test_the_last_admin_stays(governed: bool, governs: bool, governors: int, refused: bool) -> None:
    assert leaves_nobody(governed=governed, governs=governs, governors=governors) is refused
