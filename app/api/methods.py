"""Which methods a path takes: the answer to OPTIONS, and the Allow of a 405."""

from __future__ import annotations

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException


def register(app: Flask) -> None:
    """Answer OPTIONS for what is at the path itself.

    Flask would add what other rules take there: ``/v1/tasks/x/tree`` may be a task called
    ``x/tree`` too.
    """

    @app.before_request
    def options() -> Response | None:
        if request.method != "OPTIONS" or request.url_rule is None:
            return None
        return Response(headers={"Allow": allowed(app)})


def allowed(app: Flask) -> str:
    """The methods of the path of this request, with commas between."""
    adapter = app.create_url_adapter(request)
    assert adapter is not None
    try:
        rule, _ = adapter.match(method="OPTIONS", return_rule=True)
    except HTTPException:
        return ""
    methods = {
        method
        for other in app.url_map.iter_rules()
        if other.rule == rule.rule
        for method in other.methods or ()
    }
    return ", ".join(sorted(methods))
