"""Who may do what: the roles of protocol §1 as sets of permissions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Permission(StrEnum):
    """A thing that a credential may do."""

    READ = "read"
    SEND = "send"
    MANAGE = "manage"
    OPERATE = "operate"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What a credential is for."""

    VIEWER = "viewer"
    AGENT = "agent"
    MANAGER = "manager"
    OPERATOR = "operator"
    ADMIN = "admin"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.AGENT: frozenset({Permission.SEND}),
    Role.MANAGER: frozenset({Permission.READ, Permission.SEND, Permission.MANAGE}),
    Role.OPERATOR: frozenset({Permission.READ, Permission.OPERATE}),
    Role.ADMIN: frozenset(Permission),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a request or a socket speaks for."""

    project_id: UUID
    role: Role
    subject: str
    """``key:<id>`` or ``user:<id>``."""
    session_id: str | None = None
    """The browser session that it comes from; at log-out it is void."""
    expires_at: float | None = None
    """When the token that was shown is void, in unix seconds; None for a key or a session."""
    agent_id: str | None = None
    """The one agent that its key is for: it speaks for no other, and reads what is that one's."""

    @property
    def key_id(self) -> str | None:
        """The API key that it comes from, directly or by a token."""
        return self._subject_of("key")

    @property
    def user_id(self) -> str | None:
        """The person that it speaks for, if it is one."""
        return self._subject_of("user")

    def _subject_of(self, wanted: str) -> str | None:
        kind, _, name = self.subject.partition(":")
        return name if kind == wanted else None

    def may(self, permission: Permission) -> bool:
        """Whether this credential's role allows it."""
        return permission in PERMISSIONS[self.role]

    def may_speak_for(self, agent_id: str) -> bool:
        """Whether this credential, if it may send at all, may send as this agent."""
        return self.agent_id in (None, agent_id)

    def may_read_of(self, agent_id: str) -> bool:
        """Whether this credential may read what is this agent's."""
        return self.agent_id == agent_id or self.may(Permission.READ)
