"""Agents that are closed after each test, whatever happened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from telltale_client import Agent


@pytest.fixture
def agents() -> Iterator[list[Agent]]:
    """Agents to close at the end, whatever happened."""
    made: list[Agent] = []
    yield made
    for agent in made:
        agent.close(0)
