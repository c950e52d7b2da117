"""Who is who in the fleet: agent ids, and what people call them."""

from __future__ import annotations

MANAGER = "demo-manager"
MANAGER_NAME = "Librarian"


def worker_id(number: int) -> str:
    """A worker's agent id."""
    return f"demo-worker-{number}"


def worker_name(number: int) -> str:
    """What people call it."""
    return f"Reader {number}"
