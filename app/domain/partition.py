"""Which partition an agent lives in. All that happens to one agent happens in one partition."""

from __future__ import annotations

from zlib import crc32


def agent_key(project_id: str, agent_id: str) -> str:
    """An agent's name across projects: ``project_id/agent_id``."""
    return f"{project_id}/{agent_id}"


def project_of(key: str) -> str:
    """The project id in an agent key."""
    return key.partition("/")[0]


def partition_of(key: str, partitions: int) -> int:
    """The partition of an agent key. Never changes for a key while ``partitions`` stays."""
    return crc32(key.encode()) % partitions
