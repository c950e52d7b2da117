"""Cursors that readers come with: where the stream is, and whether one can be gone on from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Engine

from app.backplane.hub import Hub
from app.core.errors import Problem, Unavailable
from app.domain.catch_up import covers, misses, unusable
from app.domain.cursor import Cursor
from app.storage import partitions

READY_S: Final = 5.0


class CursorGone(Problem):
    """The cursor is of another epoch, or history does not reach back so far."""

    status, code, title = 410, "cursor_gone", "This cursor is of no use any more"


def heads_of(hub: Hub) -> Cursor:
    """The cursor of somebody who has seen everything.

    Raises:
        Unavailable: this process does not know yet.
    """
    if not hub.ready.wait(READY_S):
        raise Unavailable("The heads of the partitions are not known yet.", retry_after_s=1)
    return hub.heads()


def hold_whole(cursor: Cursor, lost_through: Mapping[int, int]) -> None:
    """Looked at behind each page too: retention may come while somebody waits.

    Raises:
        CursorGone: something behind the cursor was dropped.
    """
    if misses(cursor, lost_through):
        raise CursorGone("Start again without a cursor (retention).")


def check(cursor: Cursor, head: Cursor, engine: Engine) -> None:
    """See that a reader can go on behind this cursor.

    Raises:
        CursorGone: it cannot.
    """
    with engine.connect() as connection:
        lost_through = partitions.lost_through(connection)
        reason = unusable(cursor, head, lost_through, 2**62)
        if reason is None and not covers(head, cursor):
            # Another process may be ahead of this one, but none of what is stored.
            stored = {state.partition: state.head for state in partitions.states(connection)}
            if not covers(Cursor.at(head.epoch, stored, len(head.offsets)), cursor):
                reason = "epoch"
    # History read from the very beginning misses nothing that was ever promised.
    if reason == "epoch" or (reason is not None and any(cursor.offsets)):
        raise CursorGone(f"Start again without a cursor ({reason}).")
