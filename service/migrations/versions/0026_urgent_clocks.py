"""Urgent clocks are found without looking through a backlog of others

Revision: 0026
After: 0023
"""

from alembic import op
from sqlalchemy import text

revision = "0026"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the partial index."""
    op.create_index(
        op.f("ix_sla_clock_urgent_next_check_at"),
        "sla_clock",
        ["next_check_at", "id"],
        postgresql_where=text("urgent and next_check_at is not null"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index(op.f("ix_sla_clock_urgent_next_check_at"), "sla_clock")
