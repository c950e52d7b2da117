"""Partitions remember what retention took and what the log knew again."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what retention took before can only be seen at the beginning."""
    op.execute(
        "ALTER TABLE partitions ADD COLUMN lost_through bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN log_duplicates bigint NOT NULL DEFAULT 0"
    )
    op.execute(
        "UPDATE partitions SET lost_through = coalesce("
        '(SELECT min("offset") - 1 FROM events WHERE events.partition = partitions.partition),'
        " head)"
    )


def downgrade() -> None:
    """Drop the columns."""
    op.execute("ALTER TABLE partitions DROP COLUMN lost_through, DROP COLUMN log_duplicates")
