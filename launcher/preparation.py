"""What ``flask prepare`` answered: the way in for a person, and the demo fleet's key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from launcher.credentials import keep_private
from launcher.errors import PartFailed
from launcher.folder import DataFolder


@dataclass(frozen=True, slots=True)
class Prepared:
    """``sign_in_path`` signs in one browser, once; the keys open the API."""

    sign_in_path: str = "/"
    admin_email: str = ""
    demo_key: str = ""


def take_answer(answer: Path, folder: DataFolder) -> Prepared:
    """Read the answer and remove its file. A demo key is told once, so it is kept in the folder.

    Raises:
        PartFailed: the answer is not what was asked for.
    """
    text = answer.read_text()
    answer.unlink()
    try:
        told = json.loads(text.strip().splitlines()[-1])
        path, email = str(told["sign_in_path"]), str(told["admin_email"])
    except (ValueError, LookupError, TypeError):
        raise PartFailed("prepare gave no usable answer.") from None
    kept = folder.root / "demo_key"
    if key := told.get("demo_key"):
        keep_private(kept, str(key))
    return Prepared(path, email, kept.read_text().strip() if kept.exists() else "")
