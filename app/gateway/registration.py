"""An agent's hello in PostgreSQL: its row, and what is known of it there."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Engine

from app.gateway.closing import SUPERSEDED, CloseNow
from app.gateway.messages import Config, Hello
from app.storage import agents, configurations

NO_CONFIG: Final = Config(0, msgspec.Raw(b"{}"))


def register(engine: Engine, project_id: UUID, hello: Hello) -> tuple[int, Config]:
    """Put the agent into its table; returns how far it is stored, and its configuration.

    Raises:
        CloseNow: something of a newer incarnation is stored.
    """
    meta = bytes(hello.meta)
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
        newest, seq = agents.stored_seq(connection, project_id, hello.agent_id)
        if newest > hello.incarnation:
            # A log that came back empty does not know.
            raise CloseNow(SUPERSEDED)
        agents.register(
            connection,
            project_id,
            hello.agent_id,
            role=hello.role,
            name=hello.name,
            meta=None if meta == b"null" else meta,
        )
        found = configurations.find(connection, project_id, hello.agent_id)
        config = NO_CONFIG if found is None else Config(found.version, found.value)
        return seq if newest == hello.incarnation else 0, config
