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


def test_an_agents_own_key_is_for_that_agent_alone() -> None:
    own = Identity(UUID(int=1), Role.AGENT, "key:1", agent_id="w")
    anyone = Identity(UUID(int=1), Role.AGENT, "key:2")
    viewer = Identity(UUID(int=1), Role.VIEWER, "key:3")
    assert own.may_speak_for("w")
    assert not own.may_speak_for("v")
    assert anyone.may_speak_for("v")
    assert [one.may_read_of("w") for one in (own, anyone, viewer)] == [True, False, True]
    assert not own.may_read_of("v")
