"""The modules of the standard library of the Python that runs this."""

from __future__ import annotations

import os
import random
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ELSEWHERE = {"site-packages", "dist-packages", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Module:
    """A source file; ``name`` is dotted, like ``asyncio.tasks``."""

    name: str
    path: str


def standard_library() -> list[Module]:
    """Every module with Python source, its own tests included, by name."""
    root = Path(sysconfig.get_path("stdlib"))
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in ELSEWHERE]
        for file in files:
            if file.endswith(".py"):
                path = Path(folder, file)
                parts = path.relative_to(root).with_suffix("").parts
                found.append(Module(".".join(parts).removesuffix(".__init__"), str(path)))
    return sorted(found, key=lambda module: module.name)


def within_library(path: str) -> str:
    """A source file's path as others may see it: below the library's folder."""
    return Path(path).relative_to(sysconfig.get_path("stdlib")).as_posix()


def rounds(modules: list[Module], size: int, draw: random.Random) -> Iterator[list[Module]]:
    """For ever: ``size`` modules at a time; once all have had their turn, in another order."""
    waiting: list[Module] = []
    while True:
        if len(waiting) < size:
            waiting += draw.sample(modules, len(modules))
        yield waiting[:size]
        del waiting[:size]
