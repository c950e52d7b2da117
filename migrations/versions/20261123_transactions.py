"""The transactional path: outbox, tasks, configurations, commands, retries, audit, people."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
-- Which version of its task an event made; null for an event that changed no task.
ALTER TABLE events ADD COLUMN task_version bigint;
CREATE INDEX events_of_task ON events (project_id, task_id, task_version)
    WHERE task_version IS NOT NULL;

-- Which event an agent's row was folded from last, and when the newest of them all was received.
ALTER TABLE agents ADD COLUMN last_offset bigint NOT NULL DEFAULT 0,
    ADD COLUMN as_of timestamptz;

-- What history had made of an agent or a task at some point of it, so that nobody folds it all.
CREATE TABLE projection_snapshots (
    project_id uuid NOT NULL,
    kind text NOT NULL,
    id text NOT NULL,
    -- An agent's last offset, a task's version.
    position bigint NOT NULL,
    as_of timestamptz NOT NULL,
    state json NOT NULL,
    PRIMARY KEY (project_id, kind, id, position)
);
CREATE INDEX projection_snapshots_by_time ON projection_snapshots (as_of);

-- Events of changes, in the transaction of the change; the drain gives each its place in history.
CREATE TABLE outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id uuid NOT NULL,
    partition smallint NOT NULL,
    event_id text NOT NULL,
    agent_id text NOT NULL,
    type text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    task_id text,
    severity smallint NOT NULL DEFAULT 1,
    data json NOT NULL,
    task_version bigint
);
CREATE INDEX outbox_by_partition ON outbox (partition, outbox_id);

CREATE TABLE tasks (
    project_id uuid NOT NULL,
    task_id text NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL,
    title text,
    agent_id text NOT NULL,
    created_by text,
    parent_id text,
    input json,
    deadline_at timestamptz,
    progress double precision,
    note text,
    result json,
    error json,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (project_id, task_id)
) WITH (fillfactor = 70);
CREATE INDEX tasks_by_time ON tasks (project_id, created_at, task_id);
CREATE INDEX tasks_by_agent ON tasks (project_id, agent_id, created_at);
CREATE INDEX tasks_by_parent ON tasks (project_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_due ON tasks (deadline_at) WHERE deadline_at IS NOT NULL
    AND finished_at IS NULL;

CREATE TABLE agent_configs (
    project_id uuid NOT NULL,
    agent_id text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    value json NOT NULL,
    -- What a merge overwrote that its writer had not seen: {"field": the lost value}.
    lost json,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL DEFAULT 'database',
    PRIMARY KEY (project_id, agent_id)
);

CREATE TABLE agent_config_history (
    project_id uuid NOT NULL,
    agent_id text NOT NULL,
    version bigint NOT NULL,
    value json NOT NULL,
    lost json,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (project_id, agent_id, version)
);

CREATE TABLE config_schemas (
    project_id uuid PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    version bigint NOT NULL DEFAULT 1,
    schema json NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL
);

CREATE TABLE commands (
    project_id uuid NOT NULL,
    command_id uuid NOT NULL,
    agent_id text NOT NULL,
    name text NOT NULL,
    args json NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deadline_at timestamptz NOT NULL,
    delivered_at timestamptz,
    deliveries integer NOT NULL DEFAULT 0,
    received_at timestamptz,
    finished_at timestamptz,
    detail text,
    PRIMARY KEY (project_id, command_id)
) WITH (fillfactor = 70);
CREATE INDEX commands_by_agent ON commands (project_id, agent_id, created_at, command_id);
CREATE INDEX commands_open ON commands (project_id, agent_id, created_at, command_id)
    WHERE finished_at IS NULL;
CREATE INDEX commands_due ON commands (deadline_at) WHERE finished_at IS NULL;
CREATE INDEX commands_over ON commands (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE idempotency_keys (
    project_id uuid NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    headers json NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, path, key)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);

CREATE TABLE audit_log (
    audit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    subject text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    resource_id text NOT NULL,
    version bigint,
    detail json
);
CREATE INDEX audit_log_by_project ON audit_log (project_id, audit_id);
CREATE INDEX audit_log_by_resource ON audit_log (project_id, resource, resource_id, audit_id);
CREATE INDEX audit_log_by_subject ON audit_log (project_id, subject, audit_id);

-- People and projects are changed over REST: each has a version. Whoever came by a one-use ticket
-- has no password yet.
ALTER TABLE projects ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE memberships
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN disabled_at timestamptz;
CREATE INDEX memberships_by_project ON memberships (project_id, user_id);
"""

# A password that nobody can show stands for none: before, there was no such thing.
WITHOUT_PEOPLE = """
DROP INDEX memberships_by_project;
ALTER TABLE memberships DROP COLUMN version, DROP COLUMN created_at, DROP COLUMN disabled_at;
UPDATE users SET password_hash = '' WHERE password_hash IS NULL;
ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL;
ALTER TABLE projects DROP COLUMN version;
"""

# The same number as app.domain.partition: the CRC-32 of the agent key, modulo the partitions.
PARTITION_OF = """
CREATE FUNCTION telltale_partition(project uuid, agent text) RETURNS smallint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    key bytea := convert_to(project::text || '/' || agent, 'UTF8');
    crc bigint := 4294967295;
BEGIN
    FOR at IN 0 .. length(key) - 1 LOOP
        crc := crc # get_byte(key, at);
        FOR bit IN 1 .. 8 LOOP
            crc := (crc >> 1) # CASE WHEN crc & 1 = 1 THEN 3988292384 ELSE 0 END;
        END LOOP;
    END LOOP;
    RETURN ((crc # 4294967295) % (SELECT count(*) FROM partitions))::smallint;
END
$$;
"""

# Whoever changes a configuration, over REST or in psql, changes its version and history, and tells.
CONFIG_CHANGED = """
CREATE FUNCTION agent_config_changing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.value::text = OLD.value::text THEN
            RETURN NULL;
        END IF;
        NEW.version := OLD.version + 1;
    ELSE
        -- A configuration that was deleted and made anew goes on counting.
        NEW.version := coalesce((SELECT max(version) FROM agent_config_history
            WHERE project_id = NEW.project_id AND agent_id = NEW.agent_id), 0) + 1;
    END IF;
    NEW.changed_at := now();
    NEW.changed_by := coalesce(nullif(current_setting('telltale.subject', true), ''), 'database');
    NEW.lost := nullif(current_setting('telltale.lost', true), '')::json;
    RETURN NEW;
END
$$;

CREATE FUNCTION agent_config_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    place smallint := telltale_partition(NEW.project_id, NEW.agent_id);
BEGIN
    INSERT INTO agent_config_history
        (project_id, agent_id, version, value, lost, changed_at, changed_by)
    VALUES (NEW.project_id, NEW.agent_id, NEW.version, NEW.value, NEW.lost, NEW.changed_at,
        NEW.changed_by);
    INSERT INTO outbox (project_id, partition, event_id, agent_id, type, data)
    VALUES (NEW.project_id, place, gen_random_uuid()::text, NEW.agent_id, 'config.changed',
        json_build_object('version', NEW.version, 'changed_by', NEW.changed_by));
    PERFORM pg_notify('telltale_outbox', place::text);
    RETURN NULL;
END
$$;

CREATE TRIGGER agent_config_changing BEFORE INSERT OR UPDATE OF value ON agent_configs
    FOR EACH ROW EXECUTE FUNCTION agent_config_changing();
CREATE TRIGGER agent_config_changed AFTER INSERT OR UPDATE OF value ON agent_configs
    FOR EACH ROW EXECUTE FUNCTION agent_config_changed();
"""

TABLE_NAMES = (
    *("outbox", "tasks", "agent_configs", "agent_config_history", "config_schemas"),
    *("commands", "idempotency_keys", "audit_log", "projection_snapshots"),
)


def upgrade() -> None:
    """Make the tables and the trigger."""
    for statements in (TABLES, PARTITION_OF, CONFIG_CHANGED):
        op.execute(statements)


def downgrade() -> None:
    """Drop all of it. Events that wait in the outbox, tasks and configurations are lost."""
    op.execute(f"DROP TABLE {', '.join(TABLE_NAMES)}")
    for name in (
        "agent_config_changed()",
        "agent_config_changing()",
        "telltale_partition(uuid, text)",
    ):
        op.execute(f"DROP FUNCTION {name}")
    op.execute("ALTER TABLE events DROP COLUMN task_version")
    op.execute("ALTER TABLE agents DROP COLUMN last_offset, DROP COLUMN as_of")
    op.execute(WITHOUT_PEOPLE)
