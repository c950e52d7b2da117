"""Alembic's environment: the database is the one of the settings, or the connection handed in."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection, create_engine

from app.settings import Settings
from app.storage.resource_tables import metadata


def run(connection: Connection) -> None:
    """Migrate over this connection, in one transaction."""
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database; offline mode is not supported.")

given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(Settings.from_env(os.environ).database_url)
    with engine.connect() as opened:
        run(opened)
    engine.dispose()
