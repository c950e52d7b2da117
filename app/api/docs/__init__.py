"""``/docs``: the API's description as a page for people, every asset of it served by us.

Swagger UI comes with its Python package; ``page`` holds what is ours around it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import flask_swagger_ui
from flask import Blueprint, Response, send_from_directory

OURS: Final = Path(__file__).parent / "page"
SWAGGER_UI: Final = Path(flask_swagger_ui.__file__).parent / "dist"
FILES: Final = {
    "docs.css": OURS,
    "docs.js": OURS,
    "swagger-ui-bundle.js": SWAGGER_UI,
    "swagger-ui.css": SWAGGER_UI,
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def create_blueprint() -> Blueprint:
    """The page at ``/docs`` and its files."""
    blueprint = Blueprint("docs", __name__)
    names = ", ".join(f"'{name}'" for name in FILES)

    @blueprint.get("/docs")
    def page() -> Response:
        response = send_from_directory(OURS, "index.html")
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @blueprint.get(f"/docs/<any({names}):name>")
    def file(name: str) -> Response:
        return send_from_directory(FILES[name], name)

    @blueprint.after_request
    def checked(response: Response) -> Response:
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return blueprint
