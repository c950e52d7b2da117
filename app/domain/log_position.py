"""Positions in a partition log, in their order: ``<milliseconds>-<number>``."""

from __future__ import annotations


def is_after(position: str, other: str) -> bool:
    """Whether a log position lies behind another of the same generation."""
    return _numbers(position) > _numbers(other)


def _numbers(position: str) -> tuple[int, int]:
    milliseconds, _, number = position.partition("-")
    return int(milliseconds), int(number or 0)
