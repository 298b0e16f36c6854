"""Outcomes have evidence

Revision: 0020
After: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table; what a reply named as its evidence is never rewritten."""
    op.create_table(
        "outcome_evidence",
        sa.Column("reply_id", sa.Integer(), nullable=False),
        sa.Column("attachment_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["reply_id"], ["reply.id"], name=op.f("fk_outcome_evidence_reply_id")),
        sa.ForeignKeyConstraint(["attachment_id"], ["attachment.id"], name=op.f("fk_outcome_evidence_attachment_id")),
        sa.PrimaryKeyConstraint("reply_id", "attachment_id", name=op.f("pk_outcome_evidence")),
    )
    op.create_index(op.f("ix_outcome_evidence_attachment_id"), "outcome_evidence", ["attachment_id"])
    op.execute(
        "create trigger outcome_evidence_append_only before update or delete or truncate on outcome_evidence "
        "for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    """Forget which files were evidence; the files stay."""
    op.drop_table("outcome_evidence")
