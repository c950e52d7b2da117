"""Rows against history, as ``flask projections rebuild --check`` compares them."""

from __future__ import annotations

from app.core.database import create_database
from app.settings import Settings
from app.storage.rebuild import rebuild
from launcher.stack import Stack


def differences(stack: Stack) -> list[str]:
    """The agents and tasks whose rows are not what history makes of them, in sentences."""
    engine = create_database(Settings.from_env(stack.env).database_url, pool_size=1, name="audit")
    try:
        found = rebuild(engine, lambda _: None).differences
    finally:
        engine.dispose()
    return [f"{one.kind} {one.name} is not its history: {one.fields}" for one in found]
