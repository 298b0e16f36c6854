"""A digest that waits to be written is not asked for again

Revision: 0041
After: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The version before asks with every batch, as it did: it neither reads nor writes the column."""
    op.add_column("notice_tally", sa.Column("digest_asked_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Ask with every batch again."""
    op.drop_column("notice_tally", "digest_asked_at")
