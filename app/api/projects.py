"""Projects: those that somebody belongs to, new ones, other names for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Connection, Engine

from app.access.authenticator import Authenticator
from app.api.change import Change, Changes, Work
from app.api.description.operation import Anybody, ListOf, described
from app.api.listing import answer, as_json, unseal
from app.api.versions import check_version, tag
from app.core.errors import Conflict, Forbidden, NotFound
from app.domain.access import Identity, Permission, Role
from app.schemas.people import ProjectName
from app.schemas.tasks import ListQuery
from app.storage import members, people, projects
from app.storage.projects import ProjectView

MOST_PROJECTS: Final = 100
"""Projects that one person may belong to and still make another."""


class ProjectExists(Conflict):
    """Another project has this name."""

    code, title = "project_exists", "There is a project with this name"


class TooManyProjects(Conflict):
    """The person belongs to as many projects as may be."""

    code, title = "too_many_projects", "You belong to as many projects as may be"


def create_blueprint(authenticator: Authenticator, engine: Engine, changes: Changes) -> Blueprint:
    """The routes under ``/v1/projects``."""
    blueprint = Blueprint("projects", __name__, description="The walls between fleets.")

    @blueprint.route("/v1/projects")
    class Projects(MethodView):
        @blueprint.arguments(ListQuery, location="query", unknown=RAISE)
        @described("list_projects", Permission.ADMINISTER, {200: ListOf(ProjectView)})
        def get(self, query: dict[str, Any]) -> Response:
            """The projects that you belong to, oldest first; a key belongs to one."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            limit = query["limit"]
            place = unseal(query.get("cursor"), tuple[datetime, UUID])
            with engine.connect() as connection:
                if identity.user_id is None:
                    found = [projects.find(connection, identity.project_id, identity.role)]
                else:
                    found = projects.of_user(
                        connection, identity.user_id, limit=limit + 1, after=place
                    )
            return answer(found, limit, lambda project: (project.created_at, project.project_id))

        @blueprint.arguments(ProjectName)
        @described(
            "create_project",
            Anybody.PERSON,
            {201: ProjectView},
            creates=True,
            located=True,
            tagged=True,
        )
        def post(self, fields: dict[str, Any]) -> Response:
            """Make a project; whoever makes it is its admin."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            if identity.user_id is None:
                raise Forbidden("A project is made by a person: a key belongs to one project.")
            return changes.run(request, identity, _foundation(fields["name"], identity.user_id))

    @blueprint.route("/v1/projects/<uuid:project_id>")
    class OneProject(MethodView):
        @described("get_project", Permission.ADMINISTER, {200: ProjectView}, tagged=True)
        def get(self, project_id: UUID) -> Response:
            """One project that you belong to."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            with engine.connect() as connection:
                project = _seen(connection, identity, project_id)
            return tag(as_json(project), project.version)

        @blueprint.arguments(ProjectName)
        @described(
            "rename_project",
            Permission.ADMINISTER,
            {200: ProjectView},
            tagged=True,
            guarded=True,
            refuses=(409,),
        )
        def patch(self, fields: dict[str, Any], project_id: UUID) -> Response:
            """Give a project another name. It takes an admin of that project."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            return changes.run(request, identity, _renaming(project_id, fields["name"]))

    return blueprint


def _foundation(name: str, user_id: str) -> Work:
    def work(change: Change) -> Response:
        connection = change.connection
        if projects.name_taken(connection, name):
            raise ProjectExists("Choose another name.")
        if len(projects.of_user(connection, user_id, limit=MOST_PROJECTS)) == MOST_PROJECTS:
            raise TooManyProjects(f"That is {MOST_PROJECTS}.")
        made = people.create_project(connection, name)
        members.add(connection, made.project_id, UUID(user_id), Role.ADMIN)
        project_id = str(made.project_id)
        change.record(
            "created", "project", project_id, detail={"name": name}, project_id=made.project_id
        )
        project = projects.find(connection, made.project_id, Role.ADMIN)
        response = tag(as_json(project, 201), project.version)
        response.headers["Location"] = f"/v1/projects/{project_id}"
        return response

    return work


def _renaming(project_id: UUID, name: str) -> Work:
    def work(change: Change) -> Response:
        connection = change.connection
        # Held before it is read: nobody else gives it a version meanwhile.
        taken = projects.name_taken(connection, name)
        project = _seen(connection, change.identity, project_id)
        if project.role is not Role.ADMIN:
            raise Forbidden(f"You are {project.role.value} in that project, not admin.")
        check_version(request, project.version)
        if project.name == name:
            return tag(as_json(project), project.version)
        if taken:
            raise ProjectExists("Choose another name.")
        projects.rename(connection, project_id, name)
        project = _seen(connection, change.identity, project_id)
        change.record(
            "renamed",
            "project",
            str(project_id),
            version=project.version,
            detail={"name": name},
            project_id=project_id,
        )
        return tag(as_json(project), project.version)

    return work


def _seen(connection: Connection, identity: Identity, project_id: UUID) -> ProjectView:
    project = None
    if identity.user_id is not None:
        project = projects.of_user_one(connection, identity.user_id, project_id)
    elif project_id == identity.project_id:
        project = projects.find(connection, project_id, identity.role)
    if project is None:
        raise NotFound("You belong to no project with this id.")
    return project
