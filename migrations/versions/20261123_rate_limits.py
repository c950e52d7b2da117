"""Projects and agents may have rate limits of their own."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("projects", "agents")


def upgrade() -> None:
    """Add the columns, empty: the settings hold."""
    for table in TABLES:
        op.execute(
            f"ALTER TABLE {table}"
            " ADD COLUMN rate_limit_events_per_s double precision"
            " CHECK (rate_limit_events_per_s BETWEEN 0.1 AND 1000000),"
            " ADD COLUMN rate_limit_burst integer CHECK (rate_limit_burst BETWEEN 1 AND 10000000)"
        )
    # Every web process reads these every few seconds: they are few among many.
    op.execute(
        "CREATE INDEX agents_with_limits ON agents (project_id, agent_id)"
        " WHERE rate_limit_events_per_s IS NOT NULL OR rate_limit_burst IS NOT NULL"
    )


def downgrade() -> None:
    """Drop the columns, and the limits with them."""
    op.execute("DROP INDEX agents_with_limits")
    for table in TABLES:
        op.execute(
            f"ALTER TABLE {table} DROP COLUMN rate_limit_events_per_s, DROP COLUMN rate_limit_burst"
        )
