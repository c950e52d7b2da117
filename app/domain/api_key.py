"""What an API key looks like."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 200
_FORM: Final = re.compile(r"tt_([!-^`-~]+)_([!-~]{16,})")


def parse_key(key: str) -> tuple[str, str]:
    """The id and the secret of a key ``tt_<id>_<secret>``, which is visible ASCII throughout.

    Raises:
        ValueError: the text is not of a key's form; the message does not repeat it.
    """
    found = _FORM.fullmatch(key)
    if found is None or len(key) > MAX_LENGTH:
        raise ValueError("An API key looks like tt_<id>_<secret>.")
    return found[1], found[2]
