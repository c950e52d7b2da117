"""``flask keys``: make a key, list the keys, take a key's power away."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup
from sqlalchemy import Engine

from app.cache.caches import Caches
from app.cache.keys import CACHE
from app.cli.project import PROJECT_OPTION, checked_name, chosen_project, record
from app.domain.access import Role
from app.domain.api_key import parse_key
from app.domain.event import is_visible
from app.storage import credentials

ROLES: Final = click.Choice([role.value for role in Role])
MAX_AGENT_ID: Final = 128


def _agent_id(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    if given is not None and not (0 < len(given) <= MAX_AGENT_ID and is_visible(given)):
        raise click.BadParameter("it must be visible ASCII, 1 to 128.")
    return given


def create_group(engine: Engine, caches: Caches) -> AppGroup:
    """``flask keys create|list|revoke``."""
    group = AppGroup("keys", help="API keys: create, list, revoke.")

    @group.command("create")
    @click.option("--role", type=ROLES, default=Role.AGENT.value, show_default=True)
    @click.option("--name", required=True, help="What the key is for.")
    @click.option("--agent", callback=_agent_id, help="Make it this agent's own.")
    @click.option("--quiet", is_flag=True, help="Print the key alone.")
    @PROJECT_OPTION
    def create(role: str, name: str, agent: str | None, quiet: bool, project: str | None) -> None:
        """Make a key. It is shown this once: only its hash is stored."""
        name = checked_name(name)
        if agent is not None and role != Role.AGENT.value:
            raise click.BadParameter("only a key with the role agent can be an agent's own.")
        with engine.begin() as connection:
            found = chosen_project(connection, project)
            key = credentials.create(connection, found.project_id, name, Role(role), agent)
            key_id, _ = parse_key(key)
            detail = {"name": name, "role": role, **({"agent_id": agent} if agent else {})}
            record(connection, found, "created", "api_key", key_id, detail)
        click.echo(key if quiet else f"{key}\nKeep it now: it cannot be shown again.")

    @group.command("list")
    @PROJECT_OPTION
    def listing(project: str | None) -> None:
        """List the keys of a project, newest first."""
        with engine.connect() as connection:
            found = credentials.listing(connection, chosen_project(connection, project).project_id)
        for key in found:
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "active"
            click.echo(
                f"{key.key_id}  {key.role:<8}  {key.created_at:%Y-%m-%d %H:%M}"
                f"  {state:<24}  {key.name}{f'  (of {key.agent_id})' if key.agent_id else ''}"
            )

    @group.command("revoke")
    @click.argument("key_id")
    @PROJECT_OPTION
    @click.confirmation_option(prompt="Whoever uses this key will be sent away. Go on?")
    def revoke(key_id: str, project: str | None) -> None:
        """Take a key's power away, within five seconds everywhere. It does not come back."""
        with engine.begin() as connection:
            found = chosen_project(connection, project)
            if not credentials.revoke(connection, found.project_id, key_id):
                raise click.ClickException(f"There is no active key {key_id}.")
            record(connection, found, "revoked", "api_key", key_id, {})
        caches.forget(CACHE, [key_id])
        click.echo(f"{key_id} is revoked.")

    return group
