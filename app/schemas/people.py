"""People, projects, keys and the audit log: what their endpoints take."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from app.domain.access import Role
from app.schemas.access import MIN_PASSWORD, Strict, storable
from app.schemas.described import ONE_LINE
from app.schemas.tasks import ListQuery

ROLES = [role.value for role in Role]
AGENT_ID = r"[!-~]{1,128}\Z"


def _printable(name: str) -> None:
    if not name.isprintable() or name != name.strip():
        raise ValidationError("It must be one line without blanks around it.")


def role_field(*, required: bool = False) -> fields.String:
    """One of the roles of the protocol."""
    return fields.String(required=required, validate=validate.OneOf(ROLES))


def name_field() -> fields.String:
    """What something is called, for people."""
    return fields.String(
        required=True,
        validate=[validate.Length(1, 200), storable, _printable],
        metadata=ONE_LINE,
    )


def password_field(*, required: bool = False) -> fields.String:
    """A password to be set."""
    return fields.String(
        required=required,
        load_only=True,
        validate=[validate.Length(MIN_PASSWORD, 1000), storable],
    )


class NewUser(Strict):
    """Somebody who is to belong to the project."""

    email = fields.String(
        required=True,
        validate=[
            validate.Length(3, 320),
            storable,
            validate.Regexp(
                r"[^@\s\x00-\x1f\x7f-\xa0]+@[^@\s\x00-\x1f\x7f-\xa0]+\Z",
                error="It must be an e-mail address.",
            ),
        ],
    )
    role = role_field(required=True)
    password = password_field()

    @post_load
    def in_small_letters(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """An e-mail is the same in capitals."""
        data["email"] = data["email"].lower()
        return data


class UserPatch(Strict):
    """What is to change about somebody; a field that is left out stays."""

    role = role_field()
    password = password_field()
    disabled = fields.Boolean(truthy={True}, falsy={False})


class ProjectName(Strict):
    """A project to be made, or another name for one."""

    name = name_field()


class NewKey(Strict):
    """A key to be made. With ``agent_id`` it is this agent's own."""

    name = name_field()
    role = role_field(required=True)
    agent_id = fields.String(
        allow_none=True,
        validate=validate.Regexp(AGENT_ID, error="It must be visible ASCII, 1 to 128."),
    )

    @validates_schema
    def of_an_agent(self, data: dict[str, Any], **_: object) -> None:
        """Other roles read what is everybody's, which an agent's own key must not."""
        if data.get("agent_id") is not None and data.get("role") != Role.AGENT.value:
            raise ValidationError(
                "Only a key with the role agent can be an agent's own.", "agent_id"
            )


class AuditQuery(ListQuery):
    """Which entries of the audit log."""

    subject = fields.String(validate=[validate.Length(1, 200), storable])
    resource = fields.String(validate=[validate.Length(1, 64), storable])
    resource_id = fields.String(validate=[validate.Length(1, 200), storable])
