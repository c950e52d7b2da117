"""Signing in and out, and tokens (protocol §1)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, jsonify, make_response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import Connection, Engine

from app.access.addresses import address_of
from app.access.authenticator import SESSION_COOKIE, Authenticator
from app.access.origins import scheme_of
from app.access.sessions import SESSION_S, Session
from app.access.sign_in import SignIn
from app.access.tokens import ACCESS_TOKEN_S, SOCKET_TOKEN_S
from app.api.description.media import LOGIN
from app.api.description.operation import Anybody, described
from app.core.errors import Forbidden, NotFound, Unauthenticated
from app.domain.access import Identity, Role
from app.schemas.access import (
    LoginSchema,
    MeSchema,
    OwnPasswordSchema,
    ProjectChoiceSchema,
    TokenSchema,
)
from app.storage import people, projects
from app.storage.projects import ProjectView

MOST_PROJECTS: Final = 1000
"""Projects that ``me`` lists, oldest first."""


def create_blueprint(  # noqa: C901
    authenticator: Authenticator, engine: Engine, sign_in: SignIn, proxies: int
) -> Blueprint:
    """The routes under ``/v1/auth``. ``proxies`` stand in front of us and say who asks."""
    blueprint = Blueprint("auth", __name__, description="Who is asking.")

    @blueprint.route("/v1/auth/login")
    class Login(MethodView):
        @blueprint.arguments(LoginSchema)
        @described("sign_in", Anybody.OPEN, {200: MeSchema}, body=LOGIN, refuses=(401, 429))
        def post(self, login: dict[str, str]) -> Response:
            """Begin a browser session with e-mail and password, or with a one-use ticket."""
            member = _member(login)
            token, session = authenticator.sessions.open(member)
            with engine.connect() as connection:
                me = _of_session(connection, session, member.role)
            return _with_cookie(jsonify(me), token)

    @blueprint.route("/v1/auth/logout")
    class Logout(MethodView):
        @described("sign_out", Anybody.PERSON, {204: None})
        def post(self) -> Response:
            """End the session, everywhere."""
            session = authenticator.session(request)
            if session is None:
                raise Unauthenticated
            authenticator.check_csrf(request, session)
            authenticator.sessions.end(request.cookies[SESSION_COOKIE])
            response = Response(status=204)
            response.delete_cookie(SESSION_COOKIE)
            return response

    @blueprint.route("/v1/auth/me")
    class Me(MethodView):
        @described("get_me", Anybody.KNOWN, {200: MeSchema})
        def get(self) -> Response:
            """Who is asking."""
            identity = authenticator.request(request)
            session = _session()
            with engine.connect() as connection:
                if session is None:
                    return jsonify(_of_identity(connection, identity))
                me = _of_session(connection, session, identity.role)
            # The session lives on by being used, and so must the browser's cookie.
            return _with_cookie(jsonify(me), request.cookies[SESSION_COOKIE])

    @blueprint.route("/v1/auth/project")
    class Project(MethodView):
        @blueprint.arguments(ProjectChoiceSchema)
        @described("choose_project", Anybody.PERSON, {200: MeSchema}, refuses=(404,))
        def post(self, choice: dict[str, UUID]) -> Response:
            """Go on in another of one's projects. Open sockets and streams stay where they are."""
            session = _own_session()
            with engine.connect() as connection:
                member = people.membership(connection, session.user_id, choice["project_id"])
                if member is None:
                    raise NotFound("You belong to no project with this id.")
                token = request.cookies[SESSION_COOKIE]
                moved = authenticator.sessions.move(token, member, session.csrf_token)
                if moved is None:
                    raise Unauthenticated("The session has ended.")
                return make_response(jsonify(_of_session(connection, moved, member.role)))

    @blueprint.route("/v1/auth/password")
    class Password(MethodView):
        @blueprint.arguments(OwnPasswordSchema)
        @described("set_own_password", Anybody.PERSON, {204: None}, refuses=(429,))
        def post(self, given: dict[str, str]) -> Response:
            """Set one's own password; all other sessions end."""
            session = _own_session()
            address = address_of(request, proxies)
            sign_in.change_password(session, given.get("current"), given["password"], address)
            return Response(status=204)

    @blueprint.route("/v1/auth/token")
    class Token(MethodView):
        @described("make_access_token", Anybody.KNOWN, {200: TokenSchema})
        def post(self) -> Response:
            """An access token for the Authorization header, for 15 minutes."""
            identity = authenticator.issuer(request)
            return make_response(
                jsonify(
                    token=authenticator.tokens.access_token(identity), expires_in_s=ACCESS_TOKEN_S
                )
            )

    @blueprint.route("/v1/auth/socket-token")
    class SocketToken(MethodView):
        @described("make_socket_token", Anybody.KNOWN, {200: TokenSchema})
        def post(self) -> Response:
            """A token for one socket, for a minute."""
            identity = authenticator.request(request)
            return make_response(
                jsonify(
                    token=authenticator.tokens.socket_token(identity), expires_in_s=SOCKET_TOKEN_S
                )
            )

    def _member(login: dict[str, str]) -> people.Member:
        address = address_of(request, proxies)
        if "ticket" in login:
            return sign_in.by_ticket(login["ticket"], address)
        return sign_in.by_password(login["email"].strip().lower(), login["password"], address)

    def _session() -> Session | None:
        """The session of this request, unless another credential goes before it."""
        return None if "Authorization" in request.headers else authenticator.session(request)

    def _own_session() -> Session:
        authenticator.request(request)
        session = _session()
        if session is None:
            raise Forbidden("This takes a session: sign in.")
        return session

    return blueprint


def _with_cookie(response: Response, token: str) -> Response:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=SESSION_S,
        httponly=True,
        samesite="Lax",
        secure=scheme_of(request) == "https",
    )
    return response


def _of_session(connection: Connection, session: Session, role: Role) -> dict[str, Any]:
    own = projects.of_user(connection, str(session.user_id), limit=MOST_PROJECTS)
    names = {project.project_id: project.name for project in own}
    name = names.get(session.project_id, session.project_name)
    return {
        "user": {"id": str(session.user_id), "email": session.email},
        "role": role.value,
        "project": {"id": str(session.project_id), "name": name},
        "projects": [_shown(project) for project in own],
        "csrf_token": session.csrf_token,
    }


def _of_identity(connection: Connection, identity: Identity) -> dict[str, Any]:
    project = projects.find(connection, identity.project_id, identity.role)
    return {
        "user": None,
        "role": identity.role.value,
        "project": {"id": str(identity.project_id), "name": project.name},
        "projects": [_shown(project)],
        "csrf_token": None,
    }


def _shown(project: ProjectView) -> dict[str, str]:
    return {"id": str(project.project_id), "name": project.name, "role": project.role.value}
