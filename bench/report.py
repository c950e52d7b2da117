"""What a bench says while it runs, and its last line."""

from __future__ import annotations

import json
import sys
from typing import Any


def say(line: str) -> None:
    """A line for people."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def finish(name: str, result: dict[str, Any]) -> None:
    """The last line, for machines."""
    say(json.dumps({"bench": name, **result}))
