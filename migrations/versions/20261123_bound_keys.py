"""A key may be one agent's own."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the keys that are there are for any agent."""
    op.execute(
        "ALTER TABLE api_keys ADD COLUMN agent_id text,"
        " ADD CONSTRAINT api_keys_of_agents CHECK (agent_id IS NULL OR role = 'agent')"
    )


def downgrade() -> None:
    """Drop the column; keys that were one agent's own are good for any then."""
    op.execute("ALTER TABLE api_keys DROP COLUMN agent_id")
