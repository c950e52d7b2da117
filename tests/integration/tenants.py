"""A project of its own for a test, with a key of each role: what it sees is its own doing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Engine

from app.domain.access import Role
from app.storage import credentials, people
from tests.integration.rest import Rest


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project on one server. ``url`` is where its keys are used unless another is named."""

    project_id: UUID
    name: str
    url: str
    keys: dict[Role, str]

    @property
    def agent(self) -> str:
        return self.keys[Role.AGENT]

    @property
    def viewer(self) -> str:
        return self.keys[Role.VIEWER]

    @property
    def sender(self) -> Rest:
        return Rest(self.url, self.agent)

    @property
    def reader(self) -> Rest:
        return Rest(self.url, self.viewer)


def create(engine: Engine, url: str) -> Tenant:
    """Make a project and its keys."""
    with engine.begin() as connection:
        project = people.create_project(connection, f"test-{uuid4().hex}")
        keys = {
            role: credentials.create(connection, project.project_id, role.value, role)
            for role in Role
        }
    return Tenant(project.project_id, project.name, url, keys)
