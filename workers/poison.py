"""Poison: the events that PostgreSQL refuses, and how to find them among the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from app.domain.row import Row
from app.storage import events

REFUSED_CLASSES = ("22", "23", "54")
"""SQLSTATE classes that speak of the values of a row: data, integrity, limits of the program."""

RAISED = "P0001"
"""A trigger's own objection."""


def culprits(
    cursor: psycopg.Cursor[Any], rows: Sequence[Row], low: int, high: int
) -> list[tuple[int, str]]:
    """The indexes of rows that PostgreSQL refuses and why, by halving; tries leave no trace."""
    if low >= high:
        return []
    cursor.execute("SAVEPOINT halving")
    try:
        events.copy_rows(cursor, rows[low:high])
    except psycopg.Error as error:
        if not is_refusal(error):
            raise
        cursor.execute("ROLLBACK TO SAVEPOINT halving")
        if high - low == 1:
            return [(low, str(error))]
        middle = (low + high) // 2
        return culprits(cursor, rows, low, middle) + culprits(cursor, rows, middle, high)
    cursor.execute("ROLLBACK TO SAVEPOINT halving")
    return []


def is_refusal(error: psycopg.Error) -> bool:
    """Whether PostgreSQL objects to an event, and always will; else it is PostgreSQL's own trouble:
    out of reach, read-only, without a table or a right that it should have.
    """
    state = error.sqlstate or ""
    return state[:2] in REFUSED_CLASSES or state == RAISED
