"""The product's own commands that a start asks something: how to read their answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import KeyRefused, LauncherError, PartFailed, PlaceUnusable


@dataclass(frozen=True, slots=True)
class Prepared:
    """The way in for a person: ``sign_in_path`` signs in one browser, once."""

    sign_in_path: str = "/"
    admin_email: str = ""


def as_sentence(failure: PartFailed) -> LauncherError:
    """The failure of a command as its own last sentence, where it ended with one."""
    last = failure.log_lines[-1] if failure.log_lines else ""
    if found := re.search(r"Can't locate revision identified by '(\w+)'", last):
        return PlaceUnusable(
            f"The database was made by another version of Telltale (its schema is {found[1]}, "
            "which this version does not know): use that version, or another data folder."
        )
    if found := re.match(r"(?:Error|telltale): (.+)", last):
        return (KeyRefused if found[1].startswith("ADMIN_KEY ") else LauncherError)(found[1])
    return failure


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
