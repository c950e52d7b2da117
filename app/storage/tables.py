"""The tables, as SQLAlchemy Core sees them. Migrations make them; a test holds the two together."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

metadata = MetaData()


def moment(name: str, *, nullable: bool = False, default_now: bool = False) -> Column[object]:
    """A column of a moment, with its time zone."""
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=func.now() if default_now else None,
    )


projects = Table(
    "projects",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    moment("created_at", default_now=True),
    Column("rate_limit_events_per_s", Double),
    Column("rate_limit_burst", Integer),
    Column("version", BigInteger, nullable=False, server_default="1"),
)

users = Table(
    "users",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text),
    moment("created_at", default_now=True),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True),
    Column(
        "project_id", Uuid, ForeignKey("projects.project_id", ondelete="CASCADE"), primary_key=True
    ),
    Column("role", Text, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    moment("created_at", default_now=True),
    moment("disabled_at", nullable=True),
    Index("memberships_by_project", "project_id", "user_id"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column(
        "project_id", Uuid, ForeignKey("projects.project_id", ondelete="CASCADE"), nullable=False
    ),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("agent_id", Text),
    Column("secret_hash", LargeBinary, nullable=False),
    moment("created_at", default_now=True),
    moment("revoked_at", nullable=True),
)

partitions = Table(
    "partitions",
    metadata,
    Column("partition", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", Text, nullable=False),
    Column("log_generation", Text, nullable=False, server_default=""),
    Column("log_position", Text, nullable=False, server_default="0-0"),
    Column("log_drained", BigInteger, nullable=False, server_default="0"),
    Column("accepted_before", BigInteger, nullable=False, server_default="0"),
    Column("head", BigInteger, nullable=False, server_default="0"),
    Column("stored", BigInteger, nullable=False, server_default="0"),
    Column("duplicates", BigInteger, nullable=False, server_default="0"),
    Column("dead", BigInteger, nullable=False, server_default="0"),
    moment("drained_at", default_now=True),
    Column("lost_through", BigInteger, nullable=False, server_default="0"),
    Column("log_duplicates", BigInteger, nullable=False, server_default="0"),
)

events = Table(
    "events",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    moment("occurred_at"),
    moment("received_at"),
    Column("task_id", Text),
    Column("trace_id", Text),
    Column("severity", SmallInteger, nullable=False),
    Column("data", JSON, nullable=False),
    Column("task_version", BigInteger),
    UniqueConstraint("project_id", "event_id", "occurred_at", name="events_once"),
    Index("events_by_offset", "partition", "offset"),
    Index("events_by_agent", "project_id", "agent_id", "offset"),
    Index(
        "events_of_task",
        "project_id",
        "task_id",
        "task_version",
        postgresql_where=text("task_version IS NOT NULL"),
    ),
    postgresql_partition_by="RANGE (occurred_at)",
)

agents = Table(
    "agents",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("role", Text),
    Column("name", Text),
    Column("meta", JSON),
    Column("status", Text),
    Column("note", Text),
    Column("liveness", Text, nullable=False, server_default="online"),
    moment("first_seen_at", default_now=True),
    moment("last_seen_at", default_now=True),
    moment("last_event_at", nullable=True),
    Column("last_event_type", Text),
    Column("last_event_severity", Text),
    Column("task_id", Text),
    Column("events", BigInteger, nullable=False, server_default="0"),
    Column("cpu_pct", Double),
    Column("memory_bytes", BigInteger),
    Column("last_offset", BigInteger, nullable=False, server_default="0"),
    moment("as_of", nullable=True),
    Column("rate_limit_events_per_s", Double),
    Column("rate_limit_burst", Integer),
    Index(
        "agents_with_limits",
        "project_id",
        "agent_id",
        postgresql_where=text(
            "rate_limit_events_per_s IS NOT NULL OR rate_limit_burst IS NOT NULL"
        ),
    ),
)

agent_cursors = Table(
    "agent_cursors",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("incarnation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("dead_letter_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("project_id", Uuid),
    Column("partition", SmallInteger),
    Column("payload", LargeBinary, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="1"),
    moment("created_at", default_now=True),
    Index("dead_letters_by_time", "kind", "created_at"),
)
