"""Waiting for the end of what others do: looked at again and again, ever more slowly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from telltale_client.errors import Unfinished
from telltale_client.resources import SentCommand, Task

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5

Ending = TypeVar("Ending", Task, SentCommand)


def wait_for_end(look: Callable[[], Ending], timeout_s: float) -> Ending:
    """What ``look`` sees once it is finished.

    Raises:
        Unfinished: if it is not after ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = FIRST_PAUSE_S
    while (seen := look()).finished_at is None:
        rest_s = deadline - time.monotonic()
        if rest_s <= 0:
            raise Unfinished(f"It is still {seen.state} after {timeout_s:g} s: {seen}.")
        time.sleep(min(pause_s, rest_s))
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
    return seen
