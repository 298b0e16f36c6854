"""When a message is due

Revision: 0023
After: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The release before leaves the column empty: its messages are due when they are written."""
    op.add_column("outbox_message", sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """A message that waited for the morning looks old again."""
    op.drop_column("outbox_message", "due_at")
