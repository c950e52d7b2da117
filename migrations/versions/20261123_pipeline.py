"""The pipeline: projects, people, keys, partitions, events, agents, dead letters."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE projects (
    project_id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE memberships (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    role text NOT NULL,
    PRIMARY KEY (user_id, project_id)
);

CREATE TABLE api_keys (
    key_id text PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    name text NOT NULL,
    role text NOT NULL,
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

CREATE TABLE partitions (
    partition smallint PRIMARY KEY,
    epoch text NOT NULL,
    log_generation text NOT NULL DEFAULT '',
    log_position text NOT NULL DEFAULT '0-0',
    log_drained bigint NOT NULL DEFAULT 0,
    accepted_before bigint NOT NULL DEFAULT 0,
    head bigint NOT NULL DEFAULT 0,
    stored bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0,
    dead bigint NOT NULL DEFAULT 0,
    drained_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

CREATE TABLE events (
    project_id uuid NOT NULL,
    partition smallint NOT NULL,
    "offset" bigint NOT NULL,
    event_id text NOT NULL,
    agent_id text NOT NULL,
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    task_id text,
    trace_id text,
    severity smallint NOT NULL,
    -- json, not jsonb: the bytes that the sender wrote are kept.
    data json NOT NULL,
    CONSTRAINT events_once UNIQUE (project_id, event_id, occurred_at)
) {partition_by};
CREATE INDEX events_by_offset ON events (partition, "offset");
CREATE INDEX events_by_agent ON events (project_id, agent_id, "offset");

CREATE TABLE agents (
    project_id uuid NOT NULL,
    agent_id text NOT NULL,
    role text,
    name text,
    meta json,
    status text,
    note text,
    liveness text NOT NULL DEFAULT 'online',
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    last_event_at timestamptz,
    last_event_type text,
    last_event_severity text,
    task_id text,
    events bigint NOT NULL DEFAULT 0,
    cpu_pct double precision,
    memory_bytes bigint,
    PRIMARY KEY (project_id, agent_id)
) WITH (fillfactor = 50);

CREATE TABLE agent_cursors (
    project_id uuid NOT NULL,
    agent_id text NOT NULL,
    incarnation bigint NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (project_id, agent_id)
) WITH (fillfactor = 50);

CREATE TABLE dead_letters (
    dead_letter_id uuid PRIMARY KEY,
    kind text NOT NULL,
    project_id uuid,
    partition smallint,
    payload bytea NOT NULL,
    error text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_by_time ON dead_letters (kind, created_at);
"""


def upgrade() -> None:
    """Make the tables."""
    bind = op.get_bind()
    timescale = bind.exec_driver_sql(
        "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"
    ).scalar()
    partition_by = "" if timescale else "PARTITION BY RANGE (occurred_at)"
    op.execute(TABLES.replace("{partition_by}", partition_by))
    if timescale:
        op.execute(
            "SELECT create_hypertable('events', 'occurred_at',"
            " chunk_time_interval => INTERVAL '7 days', create_default_indexes => FALSE)"
        )


def downgrade() -> None:
    """Drop them, and everything in them."""
    for table in (
        "dead_letters",
        "agent_cursors",
        "agents",
        "events",
        "partitions",
        "api_keys",
        "memberships",
        "users",
        "projects",
    ):
        op.execute(f"DROP TABLE {table}")
