"""What each role may do."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.domain.access import PERMISSIONS, Identity, Permission, Role

READ, SEND, MANAGE, OPERATE, ADMINISTER = Permission


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", {READ}),
        ("agent", {SEND}),
        ("manager", {READ, SEND, MANAGE}),
        ("operator", {READ, OPERATE}),
        ("admin", {READ, SEND, MANAGE, OPERATE, ADMINISTER}),
    ],
)
def test_a_role_may_what_the_protocol_says_and_no_more(role: str, allowed: set[Permission]) -> None:
    identity = Identity(UUID(int=1), Role(role), "key:1")
    assert {permission for permission in Permission if identity.may(permission)} == allowed


def test_every_role_is_decided_on() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_a_manager_may_what_agents_and_viewers_may_and_an_operator_what_viewers_may() -> None:
    assert PERMISSIONS[Role.MANAGER] >= PERMISSIONS[Role.AGENT] | PERMISSIONS[Role.VIEWER]
    assert PERMISSIONS[Role.OPERATOR] >= PERMISSIONS[Role.VIEWER]
