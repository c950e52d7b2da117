"""The dashboard's page and its assets, as the build left them in ``dashboard/dist``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, send_from_directory

from app.core.errors import NotFound

DIST: Final = Path(__file__).resolve().parents[2] / "dashboard" / "dist"
_POLICY: Final = (
    "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


def create_blueprint(dist: Path = DIST) -> Blueprint:
    """The page at ``/`` and its hashed assets, which never change and are cached for ever."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.get("/")
    def index() -> Response:
        if not (dist / "index.html").is_file():
            raise NotFound("The dashboard is not built; script/server builds it.")
        response = send_from_directory(dist, "index.html")
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @blueprint.get("/assets/<path:name>")
    def asset(name: str) -> Response:
        response = send_from_directory(dist / "assets", name)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    @blueprint.get("/<any('favicon.svg', 'favicon.ico', 'robots.txt'):name>")
    def top_level(name: str) -> Response:
        return send_from_directory(dist, name)

    @blueprint.after_request
    def no_sniffing(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return blueprint
