"""Signing in and out, and tokens (protocol §1)."""

from __future__ import annotations

from typing import Any

from flask import Request, Response, jsonify, make_response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy import Engine

from app.access.authenticator import SESSION_COOKIE, Authenticator
from app.access.origins import scheme_of
from app.access.passwords import PasswordCheck
from app.access.sessions import SESSION_S, Session
from app.access.tokens import ACCESS_TOKEN_S, SOCKET_TOKEN_S
from app.core.errors import TooManyRequests, Unauthenticated
from app.domain.access import Identity
from app.schemas.access import LoginSchema, MeSchema, TokenSchema
from app.storage import people


class LoginThrottled(TooManyRequests):
    """Too many passwords were tried."""

    code, title = "login_throttled", "Too many attempts; wait a few minutes"


def create_blueprint(authenticator: Authenticator, engine: Engine) -> Blueprint:  # noqa: C901
    """The routes under ``/v1/auth``."""
    blueprint = Blueprint("auth", __name__, description="Who is asking.")
    passwords = PasswordCheck()

    @blueprint.route("/v1/auth/login")
    class Login(MethodView):
        @blueprint.arguments(LoginSchema)
        @blueprint.alt_response(200, schema=MeSchema)
        def post(self, login: dict[str, str]) -> Response:
            """Begin a browser session with e-mail and password, or with a one-use ticket."""
            member = _member(login)
            token, session = authenticator.sessions.open(member)
            response = make_response(jsonify(_of_session(session)))
            response.set_cookie(
                SESSION_COOKIE,
                token,
                max_age=SESSION_S,
                httponly=True,
                samesite="Lax",
                secure=scheme_of(request) == "https",
            )
            return response

    @blueprint.route("/v1/auth/logout")
    class Logout(MethodView):
        @blueprint.response(204)
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
        @blueprint.alt_response(200, schema=MeSchema)
        def get(self) -> Response:
            """Who is asking."""
            identity = authenticator.request(request)
            by_header = request.headers.get("Authorization")
            session = None if by_header else authenticator.session(request)
            body = _of_session(session) if session is not None else _of_identity(identity)
            return make_response(jsonify(body))

    @blueprint.route("/v1/auth/token")
    class Token(MethodView):
        @blueprint.alt_response(200, schema=TokenSchema)
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
        @blueprint.alt_response(200, schema=TokenSchema)
        def post(self) -> Response:
            """A token for one socket, for a minute."""
            identity = authenticator.request(request)
            return make_response(
                jsonify(
                    token=authenticator.tokens.socket_token(identity), expires_in_s=SOCKET_TOKEN_S
                )
            )

    def _member(login: dict[str, str]) -> people.Member:
        if "ticket" in login:
            user_id = authenticator.sessions.spend_ticket(login["ticket"])
            if user_id is None:
                raise Unauthenticated("This link was used already, or is too old.")
        else:
            user_id = _by_password(login["email"].strip().lower(), login["password"], request)
        with engine.connect() as connection:
            member = people.membership(connection, user_id)
        if member is None:
            raise Unauthenticated("This user belongs to no project.")
        return member

    def _by_password(email: str, password: str, asked: Request) -> Any:
        if not authenticator.sessions.may_try(email, asked.remote_addr or ""):
            raise LoginThrottled(retry_after_s=300)
        with engine.connect() as connection:
            found = people.password_of(connection, email)
        if not passwords.verify(found[1] if found else None, password) or found is None:
            raise Unauthenticated("E-mail or password is wrong.")
        return found[0]

    return blueprint


def _of_session(session: Session) -> dict[str, Any]:
    return {
        "user": {"email": session.email},
        "role": session.role.value,
        "project": {"id": str(session.project_id), "name": session.project_name},
        "csrf_token": session.csrf_token,
    }


def _of_identity(identity: Identity) -> dict[str, Any]:
    return {
        "user": None,
        "role": identity.role.value,
        "project": {"id": str(identity.project_id), "name": ""},
        "csrf_token": None,
    }
