"""What the stack's processes use, read from /proc."""

from __future__ import annotations

import psutil

from launcher.stack import Stack

PARTS = ("postgres", "valkey", "web", "worker", "clock")


def cpu_seconds(stack: Stack) -> dict[str, float]:
    """Processor seconds that each part has used so far, its children included."""
    return {name: sum(map(_cpu, _tree(stack, name))) for name in PARTS}


def memory_bytes(stack: Stack, name: str) -> int:
    """What a part's processes hold in memory that is theirs alone (USS)."""
    return sum(process.memory_full_info().uss for process in _tree(stack, name))


def _tree(stack: Stack, name: str) -> list[psutil.Process]:
    found: dict[int, psutil.Process] = {}
    for pid in stack.pids(name):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            found[member.pid] = member
    return list(found.values())


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
