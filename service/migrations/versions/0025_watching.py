"""A message carries its trace, and the buried ones are counted without a look at the others

Revision: 0025
After: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column that the previous release neither writes nor reads, and an index over few rows."""
    op.add_column("outbox_message", sa.Column("traceparent", sa.String()))
    op.create_index(
        "ix_outbox_message_buried", "outbox_message", ["buried_at"], postgresql_where=sa.text("buried_at is not null")
    )


def downgrade() -> None:
    """Traces under way end at the outbox."""
    op.drop_index("ix_outbox_message_buried", "outbox_message")
    op.drop_column("outbox_message", "traceparent")
