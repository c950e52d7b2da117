"""The secrets of one installation: from the environment or made once, and kept in the folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Each has a file of its name in the data folder that only its owner may read."""

    secret_key: str
    admin_key: str
    admin_password: str

    @classmethod
    def work_out(cls, folder: Path, env: Mapping[str, str]) -> Self:
        """What the environment says, else the files under ``folder``, else new ones.

        A variable has the file's name in capitals. Nothing is written: see ``keep``.
        """

        def value(name: str, make: Callable[[], str]) -> str:
            return env.get(name.upper(), "") or _kept(folder / name) or make()

        return cls(
            secret_key=value("secret_key", lambda: secrets.token_urlsafe(48)),
            admin_key=value("admin_key", make_api_key),
            admin_password=value("admin_password", lambda: secrets.token_urlsafe(12)),
        )

    def with_new_admin_key(self) -> Self:
        """The same with another admin key."""
        return replace(self, admin_key=make_api_key())

    def keep(self, folder: Path) -> None:
        """Let the files under ``folder`` say the same; for values that are known to be good."""
        for name, value in asdict(self).items():
            if value != _kept(folder / name):
                keep_private(folder / name, value)


def make_api_key() -> str:
    """A new API key in the product's form, ``tt_<id>_<secret>``."""
    return f"tt_{secrets.token_hex(6)}_{secrets.token_hex(20)}"


def keep_private(path: Path, value: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{value}\n")
    new.replace(path)


def _kept(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
