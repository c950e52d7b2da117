"""Is a published batch the next of its partition? The check that shows a lost publish."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with a batch: skip its first ``skip`` events; first fetch ``gap`` if there is one.

    ``gap`` is a pair (first, last) of offsets that were never seen.
    """

    skip: int
    gap: tuple[int, int] | None


def check(head: int, first: int, last: int) -> Step:
    """Compare a batch ``first..last`` with the last offset seen, ``head``.

    After the step (fetch the gap, drop what was skipped, take the rest) the head is
    ``max(head, last)``, and every offset up to it was seen exactly once.
    """
    if last <= head:
        return Step(skip=last - first + 1, gap=None)
    if first > head + 1:
        return Step(skip=0, gap=(head + 1, first - 1))
    return Step(skip=head + 1 - first, gap=None)
