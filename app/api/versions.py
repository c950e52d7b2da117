"""Optimistic locking: ETag on what is given, If-Match on what changes it (protocol §1)."""

from __future__ import annotations

from flask import Request, Response

from app.core.errors import BadRequest, PreconditionFailed, PreconditionRequired


def tag(response: Response, version: int) -> Response:
    """The response with the version that it shows."""
    response.headers["ETag"] = f'"{version}"'
    return response


def check_version(request: Request, version: int) -> None:
    """Whether the request was made for this version; ``*`` is for any.

    Raises:
        PreconditionRequired: it does not say for which.
        PreconditionFailed: it was made for another; the body says which is the current one.
        BadRequest: it is not a list of entity tags.
    """
    expected = expected_versions(request)
    if expected is not None and version not in expected:
        raise stale(version)


def expected_versions(request: Request) -> set[int] | None:
    """The versions of If-Match; None for any.

    Raises:
        As ``check_version``.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired('Send If-Match with the ETag of what you change, like "3".')
    if given.strip() == "*":
        return None
    versions = set()
    for part in given.split(","):
        text = part.strip()
        quoted = len(text) > 2 and text[0] == text[-1] == '"'
        # A tag that was never ours matches nothing, which is no error.
        if not quoted and not text.startswith("W/"):
            raise BadRequest('If-Match must be entity tags in quotes, like "3", or *.')
        if quoted and text[1:-1].isdecimal() and len(text) < 20:
            versions.add(int(text[1:-1]))
    return versions


def check_replaceable(request: Request, version: int | None) -> None:
    """Whether a PUT was made for what is there: If-Match with its version, or for the first one
    ``If-None-Match: *``. ``version`` is None where nothing is.

    Raises:
        As ``check_version``.
    """
    if "If-Match" not in request.headers and "If-None-Match" in request.headers:
        if request.headers["If-None-Match"].strip() != "*":
            raise BadRequest("If-None-Match must be *.")
        if version is not None:
            raise stale(version)
    elif version is not None:
        check_version(request, version)
    else:
        expected_versions(request)
        raise nothing_yet()


def nothing_yet() -> PreconditionFailed:
    """There is nothing yet that a version could be of."""
    return PreconditionFailed(
        "There is none yet. Send If-None-Match: * to make the first.",
        members={"current_version": 0},
    )


def stale(version: int) -> PreconditionFailed:
    """It has this version now, and not the one that the request was made for."""
    return PreconditionFailed(
        f"It is at version {version} now. Read it again and decide.",
        members={"current_version": version},
    )
