"""The secrets of one installation: from the environment or made once, and kept in the folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Each lies in a file of the data folder that only its owner may read."""

    secret_key: str
    admin_key: str
    admin_password: str


def load_or_make(folder: Path, env: Mapping[str, str]) -> Credentials:
    """Read ``secret_key``, ``admin_key`` and ``admin_password`` under ``folder``, or make them.

    A variable of the same name in capitals goes before the file, and the file then follows it.
    """
    return Credentials(
        secret_key=_keep(folder / "secret_key", env, lambda: secrets.token_urlsafe(48)),
        admin_key=_keep(folder / "admin_key", env, make_api_key),
        admin_password=_keep(folder / "admin_password", env, lambda: secrets.token_urlsafe(12)),
    )


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


def _keep(path: Path, env: Mapping[str, str], make: Callable[[], str]) -> str:
    kept = path.read_text().strip() if path.exists() else ""
    value = env.get(path.name.upper(), "") or kept or make()
    if value != kept:
        keep_private(path, value)
    return value
