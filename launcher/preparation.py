"""The product's own commands that a start asks something: how to read their answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import PartFailed


@dataclass(frozen=True, slots=True)
class Prepared:
    """The way in for a person: ``sign_in_path`` signs in one browser, once."""

    sign_in_path: str = "/"
    admin_email: str = ""


def take_prepared(answer: Path) -> Prepared:
    """What ``flask prepare`` answered.

    Raises:
        PartFailed: it is not what was asked for.
    """
    try:
        told = json.loads(_take_last_line(answer))
        return Prepared(str(told["sign_in_path"]), str(told["admin_email"]))
    except (ValueError, LookupError, TypeError):
        raise PartFailed("prepare gave no usable answer.") from None


def take_key(answer: Path) -> str:
    """What ``flask keys create --quiet`` answered: the key.

    Raises:
        PartFailed: it is none.
    """
    key = _take_last_line(answer)
    if not key.startswith("tt_"):
        raise PartFailed("keys gave no usable answer.")
    return key


def _take_last_line(answer: Path) -> str:
    """It holds a secret, so the file goes."""
    lines = answer.read_text().split("\n")
    answer.unlink()
    return next((line for line in reversed(lines) if line.strip()), "")
