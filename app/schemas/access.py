"""Signing in: what the endpoints under ``/v1/auth`` take and give."""

from __future__ import annotations

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

MIN_PASSWORD = 8


class Strict(Schema):
    """Unknown fields are an error."""

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


def storable(text: str) -> None:
    """Refuse what PostgreSQL cannot hold.

    Raises:
        ValidationError: the text holds a NUL or half of a surrogate pair.
    """
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise ValidationError("It holds \\u0000 or half of a surrogate pair.")


class LoginSchema(Strict):
    """An e-mail and a password, or a one-use ticket."""

    email = fields.String(validate=[validate.Length(1, 320), storable])
    password = fields.String(validate=[validate.Length(1, 1000), storable], load_only=True)
    ticket = fields.String(validate=[validate.Length(1, 200), storable], load_only=True)

    @validates_schema
    def one_way(self, data: dict[str, str], **_: object) -> None:
        """Exactly one of the two ways."""
        if set(data) not in ({"email", "password"}, {"ticket"}):
            raise ValidationError("Give email and password, or ticket.")


class ProjectChoiceSchema(Strict):
    """The project that a session is to go on in."""

    project_id = fields.UUID(required=True)


class OwnPasswordSchema(Strict):
    """A new password of one's own, and the current one if there is one."""

    password = fields.String(
        required=True, validate=[validate.Length(MIN_PASSWORD, 1000), storable], load_only=True
    )
    current = fields.String(validate=[validate.Length(1, 1000), storable], load_only=True)


class UserSchema(Strict):
    """A person."""

    id = fields.UUID(required=True)
    email = fields.String(required=True)


class ProjectSchema(Strict):
    """A project."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)


class OwnProjectSchema(ProjectSchema):
    """A project that somebody belongs to, and the role there."""

    role = fields.String(required=True)


class MeSchema(Strict):
    """Who is signed in, the projects to choose from, and the token that writes must carry."""

    user = fields.Nested(UserSchema, allow_none=True)
    role = fields.String(required=True)
    project = fields.Nested(ProjectSchema)
    projects = fields.List(fields.Nested(OwnProjectSchema))
    csrf_token = fields.String(allow_none=True)


class TokenSchema(Strict):
    """A token and its life in seconds."""

    token = fields.String(required=True)
    expires_in_s = fields.Integer(required=True)
