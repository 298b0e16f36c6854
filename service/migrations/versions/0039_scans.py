"""What the antivirus said of each file

Revision: 0039
After: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of verdicts by content. The version before asks nobody and looks at none."""
    op.create_table(
        "file_scan",
        sa.Column("sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_file_scan_sha256")),
        sa.CheckConstraint("verdict in ('clean', 'infected', 'waiting')", name=op.f("ck_file_scan_verdict")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_file_scan")),
    )
    op.create_index("ix_file_scan_waiting", "file_scan", ["at"], postgresql_where=sa.text("verdict = 'waiting'"))


def downgrade() -> None:
    """Forget the verdicts; nothing is held back any more."""
    op.drop_table("file_scan")
