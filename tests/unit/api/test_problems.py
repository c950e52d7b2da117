"""Problems as answers."""

from __future__ import annotations

import pytest

from app.api.problems import response_of
from app.core.errors import Unavailable


@pytest.mark.parametrize(("wait_s", "said"), [(0.2, "1"), (1.0, "1"), (1.4, "2"), (2.5, "3")])
def test_whoever_waits_as_long_as_is_said_is_not_early(wait_s: float, said: str) -> None:
    assert response_of(Unavailable(retry_after_s=wait_s)).headers["Retry-After"] == said
