"""The people of a project: let in, given a role, shut out, let go. For its admins."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access import membership
from app.access.authenticator import Authenticator
from app.access.passwords import PasswordCheck
from app.access.sessions import Sessions
from app.api.change import Change, Changes, Work
from app.api.description.operation import ListOf, described
from app.api.listing import answer, as_json, unseal
from app.api.versions import check_version, tag
from app.core.errors import Conflict, NotFound
from app.domain.access import Permission, Role
from app.schemas.people import NewUser, UserPatch
from app.schemas.tasks import ListQuery
from app.storage import members
from app.storage.members import ProjectMember

MOST_MEMBERS: Final = 10_000
SECRETS: Final = ("password", "ticket")


class MemberExists(Conflict):
    """This person belongs to the project already."""

    code, title = "user_exists", "This person belongs to the project already"


class PasswordKnown(Conflict):
    """The person is known from elsewhere, and has a password."""

    code, title = "password_not_yours", "This person has a password already"


class TooManyMembers(Conflict):
    """The project has as many people as it may."""

    code, title = "too_many_users", "The project has as many people as it may"


class Admitted(msgspec.Struct):
    """Somebody who belongs to the project from now on.

    ``ticket`` signs a new person without a password in, once, within the hour. Not seen again.
    """

    user_id: UUID
    email: str
    role: Role
    disabled: bool
    version: int
    created_at: datetime
    ticket: str | None


def create_blueprint(
    authenticator: Authenticator, engine: Engine, changes: Changes, passwords: PasswordCheck
) -> Blueprint:
    """The routes under ``/v1/users``."""
    blueprint = Blueprint("users", __name__, description="Who belongs to the project.")
    sessions = authenticator.sessions

    @blueprint.route("/v1/users")
    class Users(MethodView):
        @blueprint.arguments(ListQuery, location="query", unknown=RAISE)
        @described("list_users", Permission.ADMINISTER, {200: ListOf(ProjectMember)})
        def get(self, query: dict[str, Any]) -> Response:
            """The project's people, by e-mail."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            limit = query["limit"]
            place = unseal(query.get("cursor"), tuple[str])
            with engine.connect() as connection:
                found = members.page(
                    connection,
                    identity.project_id,
                    limit=limit + 1,
                    after=place[0] if place else "",
                )
            return answer(found, limit, lambda member: (member.email,))

        @blueprint.arguments(NewUser)
        @described(
            "add_user",
            Permission.ADMINISTER,
            {201: Admitted},
            creates=True,
            located=True,
            tagged=True,
        )
        def post(self, fields: dict[str, Any]) -> Response:
            """Let somebody into the project, whether known already or new."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            password = fields.get("password")
            password_hash = None if password is None else passwords.hash(password)
            work = _admission(fields, password_hash, sessions)
            return changes.run(request, identity, work, secrets=SECRETS)

    @blueprint.route("/v1/users/<uuid:user_id>")
    class OneUser(MethodView):
        @described("get_user", Permission.ADMINISTER, {200: ProjectMember}, tagged=True)
        def get(self, user_id: UUID) -> Response:
            """One person of the project."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            with engine.connect() as connection:
                member = _found(members.find(connection, identity.project_id, user_id))
            return tag(as_json(member), member.version)

        @blueprint.arguments(UserPatch)
        @described(
            "change_user",
            Permission.ADMINISTER,
            {200: ProjectMember},
            tagged=True,
            guarded=True,
            refuses=(409,),
        )
        def patch(self, fields: dict[str, Any], user_id: UUID) -> Response:
            """Give a person another role or password, shut the door or open it."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            password = fields.get("password")
            password_hash = None if password is None else passwords.hash(password)
            work = _patch(user_id, fields, password_hash, sessions)
            return changes.run(request, identity, work)

        @described("remove_user", Permission.ADMINISTER, {204: None}, guarded=True, refuses=(409,))
        def delete(self, user_id: UUID) -> Response:
            """Let a person no longer belong to the project; the sessions in it end."""
            identity = authenticator.request(request, Permission.ADMINISTER)
            return changes.run(request, identity, _dismissal(user_id, sessions))

    return blueprint


def _admission(fields: dict[str, Any], password_hash: str | None, sessions: Sessions) -> Work:
    def work(change: Change) -> Response:
        connection, project_id = change.connection, change.identity.project_id
        email, role = fields["email"], Role(fields["role"])
        members.hold(connection, project_id)
        known = members.find_by_email(connection, project_id, email)
        if known is not None:
            raise MemberExists(members={"user_id": str(known.user_id)})
        if members.count(connection, project_id) >= MOST_MEMBERS:
            raise TooManyMembers(f"It may have {MOST_MEMBERS}.")
        user = members.ensure_user(connection, email, password_hash)
        if user is None:
            raise Conflict("This person was forgotten just now. Try again.", retry_after_s=1)
        user_id, made = user
        if password_hash is not None and not made:
            raise PasswordKnown("Leave the password out: the person signs in as elsewhere.")
        members.add(connection, project_id, user_id, role)
        member = _found(members.find(connection, project_id, user_id))
        # A ticket for somebody who was known would open that person's other projects.
        ticket = sessions.ticket(user_id) if made and password_hash is None else None
        detail = {"email": email, "role": role.value}
        change.record("added", "user", str(user_id), version=member.version, detail=detail)
        shown = Admitted(**msgspec.structs.asdict(member), ticket=ticket)
        response = tag(as_json(shown, 201), member.version)
        response.headers["Location"] = f"/v1/users/{user_id}"
        return response

    return work


def _patch(
    user_id: UUID, fields: dict[str, Any], password_hash: str | None, sessions: Sessions
) -> Work:
    def work(change: Change) -> Response:
        connection, project_id = change.connection, change.identity.project_id
        member = _held(change, user_id)
        role = Role(fields.get("role", member.role))
        disabled = fields.get("disabled", member.disabled)
        detail: dict[str, Any] = {}
        if password_hash is not None:
            own = change.identity.session_id
            membership.set_password(
                connection, sessions, project_id, member, password_hash, but=own
            )
            detail["password"] = "set"
        if role is not member.role:
            detail["role"] = role.value
        if disabled is not member.disabled:
            detail["disabled"] = disabled
        if detail:
            membership.alter(connection, sessions, project_id, member, role=role, disabled=disabled)
            member = _found(members.find(connection, project_id, user_id))
            detail = {"email": member.email, **detail}
            change.record("changed", "user", str(user_id), version=member.version, detail=detail)
        return tag(as_json(member), member.version)

    return work


def _dismissal(user_id: UUID, sessions: Sessions) -> Work:
    def work(change: Change) -> Response:
        member = _held(change, user_id)
        membership.dismiss(change.connection, sessions, change.identity.project_id, member)
        change.record("removed", "user", str(user_id), detail={"email": member.email})
        return Response(status=204)

    return work


def _held(change: Change, user_id: UUID) -> ProjectMember:
    """A person whom nobody else changes meanwhile, at the version that the request is for."""
    project_id = change.identity.project_id
    members.hold(change.connection, project_id)
    member = _found(members.find(change.connection, project_id, user_id))
    check_version(request, member.version)
    return member


def _found(member: ProjectMember | None) -> ProjectMember:
    if member is None:
        raise NotFound("Nobody with this id belongs to the project.")
    return member
