"""Which life of an agent has a command; and the ways to what is to be forgotten or looked up."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INDEXES: Final = {
    "projection_snapshots_of_one": "projection_snapshots (project_id, kind, id, as_of, position)",
    "tasks_over": "tasks (finished_at) WHERE finished_at IS NOT NULL",
    "agent_config_history_by_time": "agent_config_history (changed_at)",
}


def upgrade() -> None:
    """Add the column and the indexes. What was sent before counts as sent to an earlier life."""
    # The life that it was sent to last, or that has it.
    op.execute("ALTER TABLE commands ADD COLUMN incarnation bigint NOT NULL DEFAULT 0")
    for name, columns in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {columns}")


def downgrade() -> None:
    """Drop them."""
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("ALTER TABLE commands DROP COLUMN incarnation")
