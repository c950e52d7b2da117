"""What a route says of itself beyond what it takes: its name, who may use it, what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from flask_smorest import Blueprint

from app.domain.access import Permission

KEY: Final = "x-operation"
"""Where an operation waits, between its decorator and the document, to be spelled out."""

View = TypeVar("View", bound=Callable[..., Any])


class Anybody(StrEnum):
    """Who may use a route that asks for no permission."""

    OPEN = "open"
    """No credential is needed."""
    KNOWN = "known"
    """Any credential will do."""
    PERSON = "person"
    """It takes a session; keys are refused."""


class ListOf(NamedTuple):
    """The answer is a page of these."""

    kind: type


class Media(NamedTuple):
    """The answer is no JSON."""

    content_type: str
    schema: dict[str, Any]


Answer = type | ListOf | Media | None
"""What a body is; None if there is none, ``object`` for any JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A route with one method.

    ``own``: agents with a key of their own may use it for what is theirs. ``creates``: it takes an
    Idempotency-Key. ``located``: the answer to a creation says where the new thing is. ``tagged``:
    the answer carries its version as an ETag. ``guarded``: it takes If-Match; ``replaces``: takes
    If-Match, or If-None-Match for the first. ``refuses``: statuses to refuse with beside those
    that follow from all this. ``headers``: more parameters that are headers.
    """

    name: str
    may: Permission | Anybody
    answers: Mapping[int, Answer]
    creates: bool = False
    located: bool = False
    own: bool = False
    tagged: bool = False
    guarded: bool = False
    replaces: bool = False
    refuses: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    body: Mapping[str, Any] | None = None
    """The request body where no marshmallow schema says it: its media types."""


def described(
    name: str, may: Permission | Anybody, answers: Mapping[int, Answer], **more: Any
) -> Callable[[View], View]:
    """Say of a view what ``Operation`` asks."""
    operation = Operation(name=name, may=may, answers=answers, **more)
    decorate: Callable[[View], View] = Blueprint.doc(**{KEY: operation})
    return decorate
