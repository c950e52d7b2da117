"""Which partition an agent lives in."""

from __future__ import annotations

from collections import Counter
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.partition import agent_key, partition_of

agent_ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=128)


@given(agent_ids, st.integers(1, 256))
def test_an_agent_lives_in_one_partition_that_exists(agent_id: str, partitions: int) -> None:
    key = agent_key("0199e1c2-7b1c-7c3e-9d3a-0a1b2c3d4e5f", agent_id)
    assert partition_of(key, partitions) == crc32(key.encode()) % partitions


@pytest.mark.parametrize(
    ("key", "partition"), [("p/worker-7", 0), ("p/worker-8", 1), ("q/worker-7", 6)]
)
def test_the_layout_of_stored_data_does_not_change(key: str, partition: int) -> None:
    assert partition_of(key, 8) == partition


def test_many_agents_spread_over_all_partitions() -> None:
    counts = Counter(partition_of(agent_key("p", f"worker-{n}"), 8) for n in range(8000))
    assert len(counts) == 8
    assert min(counts.values()) > 800
