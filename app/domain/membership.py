"""Who may be let go: a project that has an admin never loses its last one."""

from __future__ import annotations


def leaves_nobody(*, governed: bool, governs: bool, governors: int) -> bool:
    """Whether a change would leave a project without an admin who can come in.

    ``governed`` says whether this person was such an admin, ``governs`` whether that is still so
    after the change, ``governors`` how many there were before it.
    """
    return governed and not governs and governors <= 1
