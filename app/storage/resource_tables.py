"""The tables of what REST changes: outbox, tasks, configurations, commands, and their records."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from app.storage.tables import metadata as metadata  # noqa: PLC0414 - with all tables in it
from app.storage.tables import moment

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, Identity(always=True), primary_key=True),
    Column("project_id", Uuid, nullable=False),
    Column("partition", SmallInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("agent_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    moment("created_at", default_now=True),
    Column("task_id", Text),
    Column("severity", SmallInteger, nullable=False, server_default="1"),
    Column("data", JSON, nullable=False),
    Column("task_version", BigInteger),
    Index("outbox_by_partition", "partition", "outbox_id"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text),
    Column("agent_id", Text, nullable=False),
    Column("created_by", Text),
    Column("parent_id", Text),
    Column("input", JSON),
    moment("deadline_at", nullable=True),
    Column("progress", Double),
    Column("note", Text),
    Column("result", JSON),
    Column("error", JSON),
    moment("created_at"),
    moment("updated_at"),
    moment("finished_at", nullable=True),
    Index("tasks_by_time", "project_id", "created_at", "task_id"),
    Index("tasks_by_agent", "project_id", "agent_id", "created_at"),
    Index(
        "tasks_by_parent",
        "project_id",
        "parent_id",
        postgresql_where=text("parent_id IS NOT NULL"),
    ),
    Index(
        "tasks_due",
        "deadline_at",
        postgresql_where=text("deadline_at IS NOT NULL AND finished_at IS NULL"),
    ),
    Index("tasks_over", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
)

agent_configs = Table(
    "agent_configs",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("value", JSON, nullable=False),
    Column("lost", JSON),
    moment("changed_at", default_now=True),
    Column("changed_by", Text, nullable=False, server_default="database"),
)

agent_config_history = Table(
    "agent_config_history",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("lost", JSON),
    moment("changed_at"),
    Column("changed_by", Text, nullable=False),
    Index("agent_config_history_by_time", "changed_at"),
)

config_schemas = Table(
    "config_schemas",
    metadata,
    Column(
        "project_id",
        Uuid,
        ForeignKey("projects.project_id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("version", BigInteger, nullable=False, server_default="1"),
    Column("schema", JSON, nullable=False),
    moment("changed_at", default_now=True),
    Column("changed_by", Text, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("command_id", Uuid, primary_key=True),
    Column("agent_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("args", JSON, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("created_by", Text, nullable=False),
    moment("created_at", default_now=True),
    moment("deadline_at"),
    moment("delivered_at", nullable=True),
    Column("deliveries", Integer, nullable=False, server_default="0"),
    Column("incarnation", BigInteger, nullable=False, server_default="0"),
    moment("received_at", nullable=True),
    moment("finished_at", nullable=True),
    Column("detail", Text),
    Index("commands_by_agent", "project_id", "agent_id", "created_at", "command_id"),
    Index(
        "commands_open",
        "project_id",
        "agent_id",
        "created_at",
        "command_id",
        postgresql_where=text("finished_at IS NULL"),
    ),
    Index("commands_due", "deadline_at", postgresql_where=text("finished_at IS NULL")),
    Index("commands_over", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("created_at", default_now=True),
    Index("idempotency_keys_by_time", "created_at"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("audit_id", BigInteger, Identity(always=True), primary_key=True),
    Column("project_id", Uuid, nullable=False),
    moment("at", default_now=True),
    Column("subject", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("version", BigInteger),
    Column("detail", JSON),
    Index("audit_log_by_project", "project_id", "audit_id"),
    Index("audit_log_by_resource", "project_id", "resource", "resource_id", "audit_id"),
    Index("audit_log_by_subject", "project_id", "subject", "audit_id"),
)

projection_snapshots = Table(
    "projection_snapshots",
    metadata,
    Column("project_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    moment("as_of"),
    Column("state", JSON, nullable=False),
    Index("projection_snapshots_by_time", "as_of"),
    Index("projection_snapshots_of_one", "project_id", "kind", "id", "as_of", "position"),
)
